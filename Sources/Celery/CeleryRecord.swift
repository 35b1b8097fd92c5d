package import Tasks

/// What a Celery backend keeps of a task.
package struct CeleryRecord: Sendable, Equatable {
    /// The states that Celery knows, and `progress`, which is everybody's convention.
    package enum State: String, Sendable {
        case received = "RECEIVED"
        case started = "STARTED"
        case progress = "PROGRESS"
        case retry = "RETRY"
        case success = "SUCCESS"
        case failure = "FAILURE"
        case revoked = "REVOKED"

        package var isFinal: Bool {
            switch self {
            case .success, .failure, .revoked: true
            case .received, .started, .progress, .retry: false
            }
        }
    }

    package var state: State
    /// The value of the task, what is known meanwhile, or its exception.
    package var result: JSON
    package var doneAt: Timestamp?
    /// Members beside those that Celery writes.
    package var extra: [JSON.Member]

    package init(_ state: State, _ result: JSON, doneAt: Timestamp? = nil, extra: [JSON.Member] = []) {
        self.state = state
        self.result = result
        self.doneAt = doneAt
        self.extra = extra
    }

    /// Of a task that ended, or is to be tried again, with an exception.
    package init(_ state: State, _ exception: CeleryException, doneAt: Timestamp?) {
        self.init(
            state,
            exception.value,
            doneAt: doneAt,
            extra: [
                JSON.Member("code", .string(exception.code)),
                JSON.Member("violations", .array(exception.violations)),
            ]
        )
    }

    /// The text that is kept and published.
    package func bytes(of brief: CeleryBrief, worker: String, queue: String) -> [UInt8] {
        var members: [JSON.Member] = [
            JSON.Member("status", .string(state.rawValue)),
            JSON.Member("result", result),
            JSON.Member("traceback", .null),
            JSON.Member("children", .array([])),
            JSON.Member("date_done", .optional(doneAt.map { CeleryTime.text($0) })),
            JSON.Member("task_id", .string(brief.id)),
            JSON.Member("name", .string(brief.name)),
            JSON.Member("worker", .string(worker)),
            JSON.Member("queue", .string(queue)),
            JSON.Member("retries", .integer(brief.retries)),
        ]
        if let group = brief.groupID { members.append(JSON.Member("group_id", .string(group))) }
        if let parent = brief.parentID { members.append(JSON.Member("parent_id", .string(parent))) }
        return JSON.object(members + extra).bytes
    }
}
