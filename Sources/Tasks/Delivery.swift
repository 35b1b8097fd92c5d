/// One event of one task on its way to the task's callback address.
package struct Delivery: Sendable, Equatable {
    package var id: DeliveryID
    package var tenant: TenantID
    package var event: CallbackEvent
    package var url: CallbackURL
    /// What stands in front of our paths in the body.
    package var origin: String
    package var status: DeliveryStatus
    /// How often it was sent, the attempt that is under way included; starts again with a redelivery.
    package var attempts: Int
    /// The HTTP status of the last answer; `nil` if there has been none.
    package var lastResponse: Int?
    /// Why the last attempt did not succeed.
    package var failure: TaskFailure?
    /// When the event happened.
    package var createdAt: Timestamp
    /// Not sent before; `nil` when nothing more will be sent.
    package var nextAttemptAt: Timestamp?
    package var endedAt: Timestamp?

    package init(
        id: DeliveryID,
        tenant: TenantID,
        event: CallbackEvent,
        url: CallbackURL,
        origin: String,
        status: DeliveryStatus,
        attempts: Int,
        lastResponse: Int?,
        failure: TaskFailure?,
        createdAt: Timestamp,
        nextAttemptAt: Timestamp?,
        endedAt: Timestamp?
    ) {
        self.id = id
        self.tenant = tenant
        self.event = event
        self.url = url
        self.origin = origin
        self.status = status
        self.attempts = attempts
        self.lastResponse = lastResponse
        self.failure = failure
        self.createdAt = createdAt
        self.nextAttemptAt = nextAttemptAt
        self.endedAt = endedAt
    }
}

/// The state of a delivery.
package enum DeliveryStatus: String, Sendable, CaseIterable {
    /// Waits to be sent, for the first time or again, or is being sent.
    case pending
    /// The receiver answered with a 2xx status.
    case delivered
    /// Given up; only a person can have it sent again.
    case dead
    /// News that a later event of the task has taken the place of.
    case superseded
}

/// The name of a delivery: its task, and a number that rises with every event of the store.
///
/// Written `<task id>-<number>`; it is the `webhook-id`, and stays the same over every attempt.
package struct DeliveryID: Hashable, Sendable, CustomStringConvertible {
    package let task: TaskID
    package let number: Int64

    package init(task: TaskID, number: Int64) {
        self.task = task
        self.number = number
    }

    /// Reads the text form; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        guard let dash = text.lastIndex(of: "-"), let task = TaskID(text[..<dash]),
            let number = Int64(text[text.index(after: dash)...]), number > 0,
            text[text.index(after: dash)...] == String(number)
        else { return nil }
        self.init(task: task, number: number)
    }

    package var description: String { "\(task)-\(number)" }
}
