import Tasks
import Testing

@Suite("The life of a task")
struct TaskLifecycleTests {
    /// Everything that is allowed; `docs/task-lifecycle.md` draws it.
    static let allowed: [TaskStatus: [LifecycleEvent: TaskStatus]] = [
        .queued: [.claimed: .running, .failed: .failed, .cancelled: .cancelled],
        .running: [.requeued: .queued, .succeeded: .succeeded, .failed: .failed, .cancelled: .cancelled],
        .succeeded: [:],
        .failed: [:],
        .cancelled: [:],
    ]

    @Test("Every status answers every event", arguments: TaskStatus.allCases, LifecycleEvent.allCases)
    func transitions(status: TaskStatus, event: LifecycleEvent) throws {
        if let expected = Self.allowed[status]?[event] {
            #expect(try TaskLifecycle.status(after: event, in: status) == expected)
        } else {
            #expect(throws: IllegalTransition(status: status, event: event)) {
                try TaskLifecycle.status(after: event, in: status)
            }
        }
    }

    @Test("Nothing follows an end")
    func ends() {
        for status in TaskStatus.allCases {
            #expect(status.isTerminal == (Self.allowed[status]?.isEmpty == true))
        }
    }
}
