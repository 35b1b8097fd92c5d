import Scheduling

/// What a process of a deployment does.
enum ServerRole: String, Sendable, CaseIterable {
    /// Everything, alone or beside others.
    case all
    /// Answers requests, calls back and tidies up; has no engines.
    case api
    /// Has engines and makes videos; answers no requests but those for its health and metrics.
    case worker

    /// What others are told of it.
    var member: MemberIdentity.Role {
        switch self {
        case .all: .all
        case .api: .api
        case .worker: .worker
        }
    }

    var answersRequests: Bool { self != .worker }
    var hasEngines: Bool { self != .api }
}
