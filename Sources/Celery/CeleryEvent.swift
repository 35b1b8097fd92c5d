package import Tasks

/// What monitors such as Flower are told.
package enum CeleryEvent: Sendable, Equatable {
    case workerOnline(CeleryLoad)
    case workerHeartbeat(CeleryLoad)
    case workerOffline(CeleryLoad)
    case received(CeleryBrief)
    case started(String)
    case succeeded(String, result: String, runtime: Double)
    case failed(String, CeleryException)
    case retried(String, CeleryException)
    case revoked(String, isTerminated: Bool, isExpired: Bool)

    /// As in `task-received`.
    package var type: String {
        switch self {
        case .workerOnline: "worker-online"
        case .workerHeartbeat: "worker-heartbeat"
        case .workerOffline: "worker-offline"
        case .received: "task-received"
        case .started: "task-started"
        case .succeeded: "task-succeeded"
        case .failed: "task-failed"
        case .retried: "task-retried"
        case .revoked: "task-revoked"
        }
    }

    /// The last part of the channel.
    package var routingKey: String { type.replacing("-", with: ".") }

    /// The body of the message.
    ///
    /// - Parameters:
    ///   - stamp: from whom, and when.
    ///   - freq: seconds between the signs of life.
    /// - Returns: a JSON object.
    package func body(_ stamp: CeleryStamp, freq: Double) -> JSON {
        var members: [JSON.Member] = [
            JSON.Member("hostname", .string(stamp.worker)),
            JSON.Member("utcoffset", .integer(0)),
            JSON.Member("pid", .integer(stamp.pid)),
            JSON.Member("clock", .integer(stamp.clock)),
            JSON.Member("timestamp", .double(Double(stamp.at.milliseconds) / 1000)),
            JSON.Member("type", .string(type)),
        ]
        switch self {
        case .workerOnline(let load), .workerHeartbeat(let load), .workerOffline(let load):
            members += [
                JSON.Member("freq", .double(freq)),
                JSON.Member("active", .integer(load.active)),
                JSON.Member("processed", .integer(load.processed)),
                JSON.Member("loadavg", .array(load.average.map { .double($0) })),
                JSON.Member("sw_ident", "animato"),
                JSON.Member("sw_ver", .string(stamp.version)),
                JSON.Member("sw_sys", "Linux"),
            ]
        case .received(let brief):
            members += [
                JSON.Member("uuid", .string(brief.id)),
                JSON.Member("name", .string(brief.name)),
                JSON.Member("args", .string(brief.args)),
                JSON.Member("kwargs", .string(brief.kwargs)),
                JSON.Member("root_id", .optional(brief.rootID)),
                JSON.Member("parent_id", .optional(brief.parentID)),
                JSON.Member("retries", .integer(brief.retries)),
                JSON.Member("eta", .optional(brief.eta)),
                JSON.Member("expires", .optional(brief.expires)),
            ]
        case .started(let id):
            members.append(JSON.Member("uuid", .string(id)))
        case .succeeded(let id, let result, let runtime):
            members += [
                JSON.Member("uuid", .string(id)),
                JSON.Member("result", .string(result)),
                JSON.Member("runtime", .double(runtime)),
            ]
        case .failed(let id, let exception), .retried(let id, let exception):
            members += [
                JSON.Member("uuid", .string(id)),
                JSON.Member("exception", .string(exception.pythonText)),
                JSON.Member("traceback", .string(exception.message)),
            ]
        case .revoked(let id, let isTerminated, let isExpired):
            members += [
                JSON.Member("uuid", .string(id)),
                JSON.Member("terminated", .bool(isTerminated)),
                JSON.Member("signum", .null),
                JSON.Member("expired", .bool(isExpired)),
            ]
        }
        return .object(members)
    }
}

/// How much a bridge has to do.
package struct CeleryLoad: Sendable, Equatable {
    /// Tasks that are worked on.
    package var active: Int
    /// Tasks that were taken since the bridge began.
    package var processed: Int
    /// Of the machine, over one, five and fifteen minutes.
    package var average: [Double]

    package init(active: Int, processed: Int, average: [Double]) {
        self.active = active
        self.processed = processed
        self.average = average
    }
}

/// From whom an event is, and when it happened.
package struct CeleryStamp: Sendable, Equatable {
    package var worker: String
    package var version: String
    package var pid: Int
    /// A counter that rises with every message, over all processes: Lamport's clock.
    package var clock: Int
    package var at: Timestamp

    package init(worker: String, version: String, pid: Int, clock: Int, at: Timestamp) {
        self.worker = worker
        self.version = version
        self.pid = pid
        self.clock = clock
        self.at = at
    }
}
