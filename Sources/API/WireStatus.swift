import Tasks

/// The statuses as clients see them.
///
/// The one place where they are mapped.
enum WireStatus: String, CaseIterable {
    case pending = "PENDING"
    case running = "RUNNING"
    case success = "SUCCESS"
    case failed = "FAILED"
    case cancelled = "CANCELLED"

    init(_ status: TaskStatus) {
        self =
            switch status {
            case .queued: .pending
            case .running: .running
            case .succeeded: .success
            case .failed: .failed
            case .cancelled: .cancelled
            }
    }

    var taskStatus: TaskStatus {
        switch self {
        case .pending: .queued
        case .running: .running
        case .success: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}
