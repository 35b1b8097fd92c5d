import HTTPTypes
import Hummingbird
import Scheduling
import Tasks
import Telemetry
import Tracing

/// The span of one request, and what its task will belong to.
struct RequestTrace: Sendable {
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]

    /// What a task that this request makes belongs to; `nil`: no trace.
    let context: TraceContext?
    private let span: any Tracing.Span
    /// The beginning, on both clocks.
    private let wall: Timestamp
    private let started: ContinuousClock.Instant

    /// Begins the span of a request that makes a video, or that belongs to a trace which is recorded.
    ///
    /// Polls without a trace are not worth one.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - route: `nil` if there is none for its path.
    ///   - tracer: makes the span.
    ///   - wall: when the request came, by the time of day.
    ///   - started: the same, monotonic.
    init(
        _ request: Request,
        _ route: Route?,
        tracer: any Tracer,
        at wall: Timestamp,
        since started: ContinuousClock.Instant
    ) {
        let parent = request.headers[.traceParent].flatMap {
            TraceContext(parent: $0, state: request.headers[.traceState])
        }
        self.wall = wall
        self.started = started
        let creates = route?.makesVideo(by: request.method) ?? false
        guard creates || parent?.isSampled == true else {
            context = nil
            span = NoOpTracer().startSpan("request", context: .topLevel)
            return
        }
        // Anybody may invent methods; names and attributes are of few.
        let method = Self.methods.contains(request.method) ? request.method.rawValue : nil
        let name = route.map { "\(method ?? "HTTP") \($0.rawValue)" } ?? "HTTP"
        span = tracer.startSpan(name, context: ServiceContext(parent), ofKind: .server, at: SpanTime(wall))
        context = span.context.trace
        span.attributes["http.request.method"] = method ?? "_OTHER"
        span.attributes["http.route"] = route?.rawValue
    }

    /// Says which task the request made, or was answered with.
    func note(_ submission: Submission) {
        let task = submission.task
        span.attributes["animato.task.id"] = "\(task.id)"
        span.attributes["animato.generation.id"] = Int(task.generation.id.rawValue)
        span.attributes["animato.disposition"] = submission.disposition.rawValue
        let other = submission.disposition == .replayed ? task.trace : task.generation.trace
        guard let other, other.traceID != context?.traceID else { return }
        span.link(to: other, as: submission.disposition.rawValue)
    }

    /// Ends it with the head of the response.
    ///
    /// - Parameters:
    ///   - response: the response.
    ///   - code: of the problem, where there is one.
    func end(_ response: Response, code: String?) {
        let status = response.status.code
        span.attributes["http.response.status_code"] = status
        // A client's mistake is no fault of ours, by the semantic conventions.
        if status >= 500 { span.fail(code ?? "\(status)") } else { span.attributes["error.type"] = code }
        span.end(at: SpanTime(wall, after: ContinuousClock.now - started))
    }
}

extension Route {
    /// Whether a method of this route may make a video.
    func makesVideo(by method: HTTPRequest.Method) -> Bool {
        switch self {
        case .generate, .openAIVideos, .openAIRemix: method == .post
        default: false
        }
    }
}
