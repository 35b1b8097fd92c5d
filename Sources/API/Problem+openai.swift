import HTTPTypes
import HummingbirdCore
import NIOCore
import Tasks

/// Errors as the OpenAI API has them.
extension Problem {
    /// The longest wait that its clients heed; beyond it they would come again after a moment.
    private static let maxRetryAfter = Duration.seconds(60)

    /// The whole response.
    ///
    /// - Parameters:
    ///   - id: of the request.
    ///   - retryAfter: the usual time, for a problem that passes and does not say when.
    /// - Returns: `{"error": {"code", "message", "param", "type"}}`, and the header fields of any problem.
    func openAIResponse(_ id: RequestID, retryAfter: Duration) -> Response {
        var headers = headers(id, retryAfter: retryAfter)
        headers[.contentType] = "application/json"
        if let isWorthARetry = isWorthARetry(retryAfter) { headers[.shouldRetry] = isWorthARetry ? "true" : "false" }
        return Response(status: openAIStatus, headers: headers, body: ResponseBody(byteBuffer: openAIBody))
    }

    private var openAIBody: ByteBuffer {
        var json = JSONWriter(capacity: 512)
        json.object { json in
            json.key("error")
            json.object { json in
                json.key("code")
                json.string(violations.first?.code.rawValue ?? code)
                json.key("message")
                json.string(violations.isEmpty ? detail : violations.map(\.message).joined(separator: " "))
                json.key("param")
                json.optional(violations.first) { json, violation in json.string(violation.field) }
                json.key("type")
                json.string(openAIType)
            }
        }
        return json.buffer
    }

    /// Its clients know 400 for whatever is wrong with a request.
    private var openAIStatus: HTTPResponse.Status {
        status == .unprocessableContent ? .badRequest : status
    }

    private var openAIType: String {
        switch status.code {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 429: "rate_limit_error"
        case 500...: "server_error"
        default: "invalid_request_error"
        }
    }

    /// What clients are told where they would guess wrong: they retry every 409, and 429 however long it lasts.
    private func isWorthARetry(_ usual: Duration) -> Bool? {
        switch status.code {
        case 409: isRetryable
        case 429: isRetryable && (retryAfter ?? usual) <= Self.maxRetryAfter
        default: nil
        }
    }
}

extension Problem {
    static let openAIVideoNotFound = Problem(.notFound, "video_not_found", "There is no video of this id.")

    /// There is nothing to download or to remix.
    static func notCompleted(_ status: TaskStatus) -> Problem {
        switch status {
        case .queued, .running, .succeeded:
            Problem(.conflict, "video_not_ready", "The video is not completed yet.")
        case .failed:
            Problem(.conflict, "video_failed", "The video was not made: its error says why.")
        case .cancelled:
            Problem(.conflict, "video_cancelled", "The video was not made: its task was cancelled.")
        }
    }
}
