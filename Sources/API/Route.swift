import HTTPTypes
import Results

/// Every path that the server knows, with the methods it takes.
///
/// The only list of them.
enum Route: String, CaseIterable {
    case generate = "/api/v1/generate"
    case tasks = "/api/v1/tasks"
    case task = "/api/v1/tasks/{task_id}"
    case video = "/api/v1/videos/{name}.mp4"
    case variant = "/api/v1/videos/{name}/{variant}"
    case deliveries = "/api/v1/deliveries"
    case redelivery = "/api/v1/deliveries/{delivery_id}/redeliver"
    case health = "/healthz"
    case ready = "/readyz"

    /// The methods it takes.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .generate, .redelivery: [.post]
        case .tasks, .video, .variant, .deliveries, .health, .ready: [.get, .head]
        case .task: [.get, .head, .delete]
        }
    }

    /// The route of a path, without its query, and the part of the path that is variable.
    static func matching(_ path: Substring) -> (route: Route, variable: Substring)? {
        if let task = path.after(RoutePath.tasks + "/"), !task.isEmpty, !task.utf8.contains(UInt8(ascii: "/")) {
            return (.task, task)
        }
        if let file = path.after(RoutePath.videos) {
            switch file.utf8.count(where: { $0 == UInt8(ascii: "/") }) {
            case 0 where file.hasSuffix(".mp4"): return (.video, file.dropLast(4))
            case 1: return (.variant, file)
            default: return nil
            }
        }
        if let delivery = path.after(RoutePath.deliveries + "/"), delivery.hasSuffix(RoutePath.redeliver),
            delivery.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1
        {
            return (.redelivery, delivery.dropLast(RoutePath.redeliver.count))
        }
        for route in [Route.generate, .tasks, .deliveries, .health, .ready] where path == route.rawValue {
            return (route, "")
        }
        return nil
    }
}

/// Paths that responses name.
enum RoutePath {
    static let tasks = Route.tasks.rawValue
    static let videos = "/api/v1/videos/"
    static let deliveries = Route.deliveries.rawValue
    static let redeliver = "/redeliver"

    static func task(_ id: String) -> String { "\(tasks)/\(id)" }
    static func video(_ name: String) -> String { "\(videos)\(name).mp4" }
    static func variant(_ variant: VideoVariant, of name: String) -> String { "\(videos)\(name)/\(variant.rawValue)" }
}

extension Substring {
    fileprivate func after(_ prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }
}
