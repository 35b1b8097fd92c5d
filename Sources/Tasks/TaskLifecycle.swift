/// What can happen to a generation.
package enum LifecycleEvent: String, Sendable, CaseIterable {
    /// A worker took it.
    case claimed
    /// It goes back into the queue: retry, shutdown, or a lease that ran out.
    case requeued
    case succeeded
    case failed
    /// The last task that wanted it was cancelled.
    case cancelled
}

/// An event that the status does not allow.
package struct IllegalTransition: Error, Sendable, Equatable {
    package var status: TaskStatus
    package var event: LifecycleEvent

    package init(status: TaskStatus, event: LifecycleEvent) {
        self.status = status
        self.event = event
    }
}

/// The state machine of generations, and with them of tasks: `docs/task-lifecycle.md` draws it.
///
/// Pure.
package enum TaskLifecycle {
    /// The status after an event.
    ///
    /// - Throws: `IllegalTransition` if the event cannot happen in this status; nothing follows a terminal one.
    package static func status(
        after event: LifecycleEvent,
        in status: TaskStatus
    ) throws(IllegalTransition) -> TaskStatus {
        switch (status, event) {
        case (.queued, .claimed): .running
        case (.running, .requeued): .queued
        case (.running, .succeeded): .succeeded
        // A queued generation fails when its last lease ran out and no attempt is left.
        case (.queued, .failed), (.running, .failed): .failed
        case (.queued, .cancelled), (.running, .cancelled): .cancelled
        default: throw IllegalTransition(status: status, event: event)
        }
    }
}
