/// Where, and of what, the owner of a task wants to be told.
package struct Callback: Sendable, Hashable {
    /// Known to be allowed when the task was accepted; the sender checks the addresses behind it again.
    package var url: CallbackURL
    package var events: Set<CallbackEvent>
    /// What stands in front of our paths in the bodies that are sent, as in the answer to the submission.
    package var origin: String

    package init(url: CallbackURL, events: Set<CallbackEvent> = CallbackEvent.ends, origin: String) {
        self.url = url
        self.events = events
        self.origin = origin
    }
}

/// What a callback can tell of.
package enum CallbackEvent: String, Sendable, Hashable, CaseIterable {
    case started = "task.started"
    case progress = "task.progress"
    case succeeded = "task.succeeded"
    case failed = "task.failed"
    case cancelled = "task.cancelled"

    /// The events that end a task; what is sent when a client names none.
    package static let ends: Set<CallbackEvent> = [.succeeded, .failed, .cancelled]

    /// Whether it tells of an end.
    ///
    /// Ends are delivered at least once. The others are news: a later event of the same task takes the place of one
    /// that has not been delivered.
    package var isEnd: Bool { Self.ends.contains(self) }

    /// The least time between two deliveries of a task's progress.
    package static let progressInterval: Duration = .seconds(2)
}

extension TaskEvent.Kind {
    /// What a callback can tell of this, if anything.
    package var callbackEvent: CallbackEvent? {
        switch self {
        case .queued, .requeued: nil
        case .running: .started
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}
