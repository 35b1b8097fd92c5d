package import Tasks
package import Tracing

private enum TraceKey: ServiceContextKey {
    typealias Value = TraceContext
    static let nameOverride: String? = "trace"
}

extension ServiceContext {
    /// The trace that a span belongs to.
    package var trace: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    /// The context of what is done on behalf of a trace.
    package init(_ trace: TraceContext?) {
        self = .topLevel
        self.trace = trace
    }
}

extension Tracer {
    /// Begins a span under a context that came with a task.
    ///
    /// - Parameters:
    ///   - name: what is done; one of few.
    ///   - parent: of the task; without one there is nothing to belong to, and nothing is recorded.
    ///   - kind: how it stands to others.
    ///   - start: when it began.
    /// - Returns: the span; it must be ended.
    package func begin(
        _ name: String,
        under parent: TraceContext?,
        ofKind kind: SpanKind = .internal,
        at start: SpanTime
    ) -> any Tracing.Span {
        guard let parent else { return NoOpTracer().startSpan(name, context: .topLevel, ofKind: kind) }
        return startSpan(name, context: ServiceContext(parent), ofKind: kind, at: start)
    }
}

extension Span {
    /// Says that what was done went wrong.
    ///
    /// - Parameter code: stable, the same as in responses, logs and metrics.
    package func fail(_ code: String) {
        attributes["error.type"] = code
        setStatus(SpanStatus(code: .error, message: code))
    }

    /// Points to another trace that this has to do with.
    package func link(to other: TraceContext, as relation: String) {
        addLink(SpanLink(context: ServiceContext(other), attributes: ["animato.link": .string(relation)]))
    }
}

/// A moment of a span: wall time to the millisecond, and from there on as exact as the monotonic clock.
///
/// The records of tasks have whole milliseconds. Spans begin at such moments too, so that they never begin before what
/// they belong to.
package struct SpanTime: TracerInstant {
    package let nanosecondsSinceEpoch: UInt64

    /// - Parameters:
    ///   - start: a moment of wall time.
    ///   - elapsed: what has passed since; less than nothing counts as nothing.
    package init(_ start: Timestamp, after elapsed: Duration = .zero) {
        let base = UInt64(max(0, start.milliseconds)) * 1_000_000
        let (seconds, attoseconds) = max(.zero, elapsed).components
        nanosecondsSinceEpoch = base + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }

    package static func < (one: SpanTime, other: SpanTime) -> Bool {
        one.nanosecondsSinceEpoch < other.nanosecondsSinceEpoch
    }
}
