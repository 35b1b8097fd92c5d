import HTTPTypes
import Results
import Tasks

/// Every path that the server knows, with the methods it takes.
///
/// The only list of them.
enum Route: String, CaseIterable {
    case generate = "/api/v1/generate"
    case estimate = "/api/v1/estimate"
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
    case devices = "/api/v1/devices"
    case deviceDrain = "/api/v1/devices/{device_id}/drain"
    case deviceResume = "/api/v1/devices/{device_id}/resume"
    case drain = "/api/v1/drain"
    case resume = "/api/v1/resume"
    case queue = "/api/v1/queue"
    case scale = "/api/v1/scale"
    case events = "/api/v1/tasks/{task_id}/events"
    case me = "/api/v1/me"
    case deviceUnload = "/api/v1/devices/{device_id}/unload"
    case tenants = "/api/v1/admin/tenants"
    case keys = "/api/v1/admin/keys"
    case key = "/api/v1/admin/keys/{key_id}"
    case keyRotation = "/api/v1/admin/keys/{key_id}/rotate"
    case anyTasks = "/api/v1/admin/tasks"
    case anyTask = "/api/v1/admin/tasks/{task_id}"
    case anyDeliveries = "/api/v1/admin/deliveries"
    case anyRedelivery = "/api/v1/admin/deliveries/{delivery_id}/redeliver"
    case openAIVideos = "/v1/videos"
    case openAIVideo = "/v1/videos/{video_id}"
    case openAIContent = "/v1/videos/{video_id}/content"
    case openAIRemix = "/v1/videos/{video_id}/remix"
    case openAIModels = "/v1/models"
    case studio = "/"
    case operatorPage = "/admin"
    case openAPI = "/openapi.json"
    case documentation = "/docs"
    case metrics = "/metrics"
    case health = "/healthz"
    case ready = "/readyz"

    /// The methods it takes.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .generate, .estimate, .redelivery, .deviceDrain, .deviceResume, .deviceUnload, .drain, .resume,
            .keyRotation, .anyRedelivery,
            .openAIRemix:
            [.post]
        case .tasks, .preview, .events, .models, .video, .variant, .deliveries, .devices, .queue, .scale, .me,
            .tenants,
            .anyTasks, .anyDeliveries, .openAIContent, .openAIModels, .studio, .operatorPage, .openAPI, .documentation,
            .metrics, .health,
            .ready:
            [.get, .head]
        case .uploads, .keys, .openAIVideos: [.get, .head, .post]
        case .task, .upload, .openAIVideo: [.get, .head, .delete]
        case .key, .anyTask: [.get, .head, .patch, .delete]
        }
    }

    /// Whether its errors look as the OpenAI API has them.
    var isOpenAI: Bool {
        switch self {
        case .openAIVideos, .openAIVideo, .openAIContent, .openAIRemix, .openAIModels: true
        default: false
        }
    }

    /// The routes without a variable part, by their paths.
    private static let plain = Dictionary(
        uniqueKeysWithValues: allCases.lazy.filter { !$0.rawValue.contains("{") }.map { (Substring($0.rawValue), $0) }
    )

    /// The others, by how many parts their paths have.
    private static let templates = Dictionary(
        grouping: allCases.filter { $0.rawValue.contains("{") }.map(RouteTemplate.init),
        by: \.parts.count
    )

    /// The route of a path, without its query, and the part of the path that is variable.
    ///
    /// Where two parts are, they are given with what stands between them.
    static func matching(_ path: Substring) -> (route: Route, variable: Substring)? {
        if let route = plain[path] { return (route, "") }
        let parts = path.split(separator: "/", maxSplits: RouteTemplate.maxParts, omittingEmptySubsequences: false)
        for template in templates[parts.count] ?? [] {
            if let variable = template.variable(of: path, parts) { return (template.route, variable) }
        }
        return nil
    }
}

/// The path of a route, taken apart once.
private struct RouteTemplate {
    enum Part {
        case fixed(Substring)
        /// Whatever stands before an ending, which may be empty.
        case variable(before: Substring)
    }

    static let maxParts = 8

    let route: Route
    let parts: [Part]

    init(_ route: Route) {
        self.route = route
        parts = route.rawValue.split(separator: "/", omittingEmptySubsequences: false).map { part in
            guard part.first == "{", let end = part.firstIndex(of: "}") else { return .fixed(part) }
            return .variable(before: part[part.index(after: end)...])
        }
    }

    /// The variable part of a path; `nil` if it is not of this route.
    func variable(of path: Substring, _ given: [Substring]) -> Substring? {
        var found: Substring?
        for (part, text) in zip(parts, given) {
            switch part {
            case .fixed(let expected):
                guard text == expected else { return nil }
            case .variable(let ending):
                guard text.utf8.count > ending.utf8.count, text.hasSuffix(ending) else { return nil }
                let value = text.dropLast(ending.count)
                found = found.map { path[$0.startIndex..<value.endIndex] } ?? value
            }
        }
        return found
    }
}

/// Paths that responses name.
enum RoutePath {
    static let tasks = Route.tasks.rawValue
    static let videos = "/api/v1/videos/"
    static let uploads = Route.uploads.rawValue
    static let preview = "/preview"
    /// What stands in front of every path of the OpenAI API.
    static let openAI = "/v1/"

    static func task(_ id: String) -> String { "\(tasks)/\(id)" }
    static func preview(of id: String) -> String { task(id) + preview }
    static func upload(_ id: MediaID) -> String { "\(uploads)/\(id)" }
    static func video(_ name: String) -> String { "\(videos)\(name).mp4" }
    static func variant(_ variant: VideoVariant, of name: String) -> String { "\(videos)\(name)/\(variant.rawValue)" }
}
