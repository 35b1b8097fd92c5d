/// Something that happened to a task, in the order in which it happened: the outbox.
///
/// Written in the same transaction as the change it tells of, so that neither is ever there without the other.
package struct TaskEvent: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case queued
        case running
        /// Back in the queue after an attempt that did not end.
        case requeued
        case succeeded
        case failed
        case cancelled

        /// What the outbox says of a task that has come to a status.
        package init(_ status: TaskStatus) {
            self =
                switch status {
                case .queued: .queued
                case .running: .running
                case .succeeded: .succeeded
                case .failed: .failed
                case .cancelled: .cancelled
                }
        }

        /// The status that it brings the task into.
        package var status: TaskStatus {
            switch self {
            case .queued, .requeued: .queued
            case .running: .running
            case .succeeded: .succeeded
            case .failed: .failed
            case .cancelled: .cancelled
            }
        }
    }

    /// Rises over all tasks of a store.
    package var sequence: Int64
    package var task: TaskID
    package var tenant: TenantID
    package var kind: Kind
    package var at: Timestamp

    package init(sequence: Int64, task: TaskID, tenant: TenantID, kind: Kind, at: Timestamp) {
        self.sequence = sequence
        self.task = task
        self.tenant = tenant
        self.kind = kind
        self.at = at
    }
}
