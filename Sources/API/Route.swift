import HTTPTypes

/// Every path that the server knows, with the methods it takes.
///
/// The only list of them.
enum Route: String, CaseIterable {
    case generate = "/api/v1/generate"
    case tasks = "/api/v1/tasks"
    case task = "/api/v1/tasks/{task_id}"
    case video = "/api/v1/videos/{name}.mp4"
    case health = "/healthz"
    case ready = "/readyz"

    /// The methods it takes.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .generate: [.post]
        case .tasks, .video, .health, .ready: [.get, .head]
        case .task: [.get, .head, .delete]
        }
    }

    /// The route of a path, without its query, and the part of the path that is variable.
    static func matching(_ path: Substring) -> (route: Route, variable: Substring)? {
        if let task = path.after(RoutePath.tasks + "/"), !task.isEmpty, !task.utf8.contains(UInt8(ascii: "/")) {
            return (.task, task)
        }
        if let file = path.after(RoutePath.videos), file.hasSuffix(".mp4"), !file.utf8.contains(UInt8(ascii: "/")) {
            return (.video, file.dropLast(4))
        }
        for route in [Route.generate, .tasks, .health, .ready] where path == route.rawValue {
            return (route, "")
        }
        return nil
    }
}

/// Paths that responses name.
enum RoutePath {
    static let tasks = Route.tasks.rawValue
    static let videos = "/api/v1/videos/"

    static func task(_ id: String) -> String { "\(tasks)/\(id)" }
    static func video(_ name: String) -> String { "\(videos)\(name).mp4" }
}

extension Substring {
    fileprivate func after(_ prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }
}
