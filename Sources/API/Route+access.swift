import HTTPTypes
import Tasks

/// What it takes to come in by a route.
enum RouteAccess: Equatable {
    /// Nothing.
    case open
    /// A key with a scope.
    case scope(Scope)
    /// A signed address, or a key that may read and whose tenant has the video.
    case link
}

extension Route {
    /// What a method of this route takes while the server asks for keys; `nil` for a method that it does not take.
    func access(for method: HTTPRequest.Method) -> RouteAccess? {
        guard methods.contains(method) else { return nil }
        switch self {
        case .health, .ready, .studio, .operatorPage, .openAPI, .documentation:
            return .open
        case .video, .variant:
            return .link
        case .metrics, .scale:
            return .scope(.metrics)
        case .deviceDrain, .deviceResume, .deviceUnload, .drain, .resume, .tenants, .keys, .key, .keyRotation,
            .anyTasks, .anyTask, .anyDeliveries, .anyRedelivery:
            return .scope(.admin)
        case .generate, .estimate, .tasks, .task, .preview, .events, .models, .uploads, .upload, .deliveries,
            .redelivery,
            .devices, .queue, .me, .openAIVideos, .openAIVideo, .openAIContent, .openAIRemix, .openAIModels:
            return .scope(method == .get || method == .head ? .read : .generate)
        }
    }

    /// What the audit log calls a method of this route; `nil` if it is not written down.
    func auditAction(for method: HTTPRequest.Method) -> String? {
        switch (self, method) {
        case (.keys, .post): "key.create"
        case (.key, .patch): "key.edit"
        case (.key, .delete): "key.revoke"
        case (.keyRotation, .post): "key.rotate"
        case (.anyTask, .delete): "task.cancel"
        case (.anyTask, .patch): "task.priority"
        case (.anyRedelivery, .post): "delivery.redeliver"
        case (.deviceDrain, .post): "device.drain"
        case (.deviceResume, .post): "device.resume"
        case (.deviceUnload, .post): "device.unload"
        case (.drain, .post): "server.drain"
        case (.resume, .post): "server.resume"
        default: nil
        }
    }
}
