import HTTPTypes
import Results
import Tasks

/// Every path that the server knows, with the methods it takes.
///
/// The only list of them.
enum Route: String, CaseIterable {
    case generate = "/api/v1/generate"
    case tasks = "/api/v1/tasks"
    case task = "/api/v1/tasks/{task_id}"
    case preview = "/api/v1/tasks/{task_id}/preview"
    case models = "/api/v1/models"
    case uploads = "/api/v1/uploads"
    case upload = "/api/v1/uploads/{upload_id}"
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
        case .tasks, .preview, .models, .video, .variant, .deliveries, .health, .ready: [.get, .head]
        case .uploads: [.get, .head, .post]
        case .task, .upload: [.get, .head, .delete]
        }
    }

    /// The route of a path, without its query, and the part of the path that is variable.
    static func matching(_ path: Substring) -> (route: Route, variable: Substring)? {
        if let task = path.after(RoutePath.tasks + "/"), !task.isEmpty {
            if task.isSegment { return (.task, task) }
            let id = task.dropLast(RoutePath.preview.count)
            return task.hasSuffix(RoutePath.preview) && id.isSegment ? (.preview, id) : nil
        }
        if let upload = path.after(RoutePath.uploads + "/") {
            return upload.isSegment ? (.upload, upload) : nil
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
        for route in [Route.generate, .tasks, .uploads, .models, .deliveries, .health, .ready]
        where path == route.rawValue {
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
    static let uploads = Route.uploads.rawValue
    static let preview = "/preview"

    static func task(_ id: String) -> String { "\(tasks)/\(id)" }
    static func preview(of id: String) -> String { task(id) + preview }
    static func upload(_ id: MediaID) -> String { "\(uploads)/\(id)" }
    static func video(_ name: String) -> String { "\(videos)\(name).mp4" }
    static func variant(_ variant: VideoVariant, of name: String) -> String { "\(videos)\(name)/\(variant.rawValue)" }
}

extension Substring {
    /// Whether it is one part of a path.
    fileprivate var isSegment: Bool { !isEmpty && !utf8.contains(UInt8(ascii: "/")) }

    fileprivate func after(_ prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }
}
