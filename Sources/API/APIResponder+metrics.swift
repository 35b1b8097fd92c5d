import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Tasks

extension APIResponder {
    /// Shows what is counted.
    func showMetrics(_ call: Call) async -> Response {
        metricsResponse(await metricsPage(), call.id)
    }

    /// Counts a request that is answered now.
    ///
    /// - Parameters:
    ///   - request: what was asked.
    ///   - route: of its path; `nil`: there is none.
    ///   - query: may ask for a wait.
    ///   - problem: why it was refused; `nil` if it was not.
    ///   - response: what it is answered with.
    ///   - started: when it came.
    func count(
        _ request: Request,
        _ route: Route?,
        _ query: Substring,
        _ problem: Problem?,
        _ response: Response,
        _ started: ContinuousClock.Instant
    ) {
        let waits = route?.mayWait == true && (query.contains("wait") || request.headers[.prefer] != nil)
        metrics.answered(
            request.method,
            route,
            response.status.code,
            after: waits ? nil : ContinuousClock.now - started
        )
        if let problem, route?.makesVideo(by: request.method) == true {
            metrics.rejected(problem.violations.first?.code.rawValue ?? problem.code)
        }
    }
}

/// The answer to those who gather metrics.
func metricsResponse(_ text: String, _ id: RequestID) -> Response {
    Response(
        status: .ok,
        headers: [
            .contentType: "text/plain; version=0.0.4; charset=utf-8",
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
            .requestID: id.description,
        ],
        body: ResponseBody(byteBuffer: ByteBuffer(string: text))
    )
}

extension Route {
    /// Whether a client may have its answer wait for the end of a task.
    fileprivate var mayWait: Bool { self == .generate || self == .task }
}
