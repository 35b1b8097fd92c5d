import Synchronization
import Tasks
package import Tracing

/// Makes spans, and hands on those that are recorded once they have ended.
package final class SpanTracer: Tracer {
    private let sampler: TraceSampler
    private let record: @Sendable (SpanRecord) -> Void

    /// - Parameters:
    ///   - sampler: which traces are recorded.
    ///   - record: takes each span; must not wait.
    package init(sampler: TraceSampler, record: @escaping @Sendable (SpanRecord) -> Void) {
        self.sampler = sampler
        self.record = record
    }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> RecordedSpan {
        var context = context()
        let parent = context.trace
        let own = sampler.context(under: parent)
        context.trace = own
        return RecordedSpan(
            SpanRecord(
                name: operationName,
                kind: kind,
                context: own,
                parent: parent?.spanID,
                start: instant().nanosecondsSinceEpoch,
                end: 0,
                attributes: [:],
                events: [],
                links: []
            ),
            context: context,
            record: own.isSampled ? record : nil
        )
    }

    /// Does nothing: the exporter sends what there is without being asked.
    package func forceFlush() {}

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parent = extractor.extract(key: "traceparent", from: carrier) else { return }
        context.trace = TraceContext(parent: parent, state: extractor.extract(key: "tracestate", from: carrier))
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        for (name, value) in context.trace?.headers ?? [] { injector.inject(value, forKey: name, into: &carrier) }
    }
}

/// A span that was begun; what is said of it after its end is not heard.
package final class RecordedSpan: Span {
    /// Events and links of one span, each.
    private static let limit = 32

    package let context: ServiceContext
    /// `nil`: the trace is not recorded.
    private let record: (@Sendable (SpanRecord) -> Void)?
    private let state: Mutex<SpanRecord?>

    init(_ span: SpanRecord, context: ServiceContext, record: (@Sendable (SpanRecord) -> Void)?) {
        self.context = context
        self.record = record
        state = Mutex(span)
    }

    package var isRecording: Bool { record != nil && state.withLock { $0 != nil } }

    package var operationName: String {
        get { state.withLock { $0?.name ?? "" } }
        set { state.withLock { $0?.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLock { $0?.attributes ?? [:] } }
        set { state.withLock { $0?.attributes = newValue } }
    }

    package func setStatus(_ status: SpanStatus) {
        state.withLock { $0?.status = status }
    }

    package func addEvent(_ event: SpanEvent) {
        add(
            SpanRecord.Event(
                name: event.name,
                at: event.nanosecondsSinceEpoch,
                attributes: event.attributes
            )
        )
    }

    /// Keeps the kind of an error; its text may hold anything.
    package func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes["exception.type"] = "\(type(of: error))"
        add(SpanRecord.Event(name: "exception", at: instant().nanosecondsSinceEpoch, attributes: attributes))
    }

    private func add(_ event: SpanRecord.Event) {
        state.withLock { span in
            guard let count = span?.events.count, count < Self.limit else { return }
            span?.events.append(event)
        }
    }

    package func addLink(_ link: SpanLink) {
        guard let other = link.context.trace else { return }
        state.withLock { span in
            guard let count = span?.links.count, count < Self.limit else { return }
            span?.links.append(SpanRecord.Link(context: other, attributes: link.attributes))
        }
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let end = instant().nanosecondsSinceEpoch
        let ended = state.withLock { span in
            defer { span = nil }
            return span
        }
        guard var ended, let record else { return }
        ended.end = max(ended.start, end)
        record(ended)
    }
}
