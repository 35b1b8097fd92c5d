import Tasks
import Telemetry
import Tracing

/// The span of one attempt to deliver a callback.
struct DeliveryTrace: Sendable {
    private let span: any Tracing.Span
    private let wall: Timestamp
    private let started: Duration

    init(_ claimed: ClaimedDelivery, tracer: any Tracer, clock: any ServiceClock) {
        let delivery = claimed.delivery
        wall = clock.wallTime()
        started = clock.monotonicTime()
        span = tracer.begin("callback", under: claimed.task.trace, ofKind: .client, at: SpanTime(wall))
        guard span.isRecording else { return }
        span.attributes["http.request.method"] = "POST"
        span.attributes["animato.receiver"] = "\(delivery.url)"
        span.attributes["http.request.resend_count"] = delivery.attempts > 1 ? delivery.attempts - 1 : nil
        span.attributes["animato.task.id"] = "\(claimed.task.id)"
        span.attributes["animato.delivery.id"] = "\(delivery.id)"
        span.attributes["animato.event"] = delivery.event.rawValue
    }

    /// The fields that tell the receiver what the callback belongs to.
    var headers: [(name: String, value: String)] { span.context.trace?.headers ?? [] }

    /// - Parameters:
    ///   - attempt: how it went; `nil`: it was cut off by the shutdown.
    ///   - clock: the one that it began by.
    func end(_ attempt: DeliveryPolicy.Attempt?, at clock: any ServiceClock) {
        switch attempt {
        case .answered(let status, _):
            span.attributes["http.response.status_code"] = status
            if !(200..<300).contains(status) { span.fail("\(status)") }
        case .failed(let error): span.fail(error.code)
        case nil: span.fail("shutdown")
        }
        span.end(at: SpanTime(wall, after: clock.monotonicTime() - started))
    }
}
