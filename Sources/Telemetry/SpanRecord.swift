package import Tasks
package import Tracing

/// A span that has ended, as it is exported.
package struct SpanRecord: Sendable {
    /// Something that happened within the span.
    package struct Event: Sendable {
        package var name: String
        /// Nanoseconds since 1970.
        package var at: UInt64
        package var attributes: SpanAttributes
    }

    /// Another span that this one has to do with.
    package struct Link: Sendable {
        package var context: TraceContext
        package var attributes: SpanAttributes
    }

    package var name: String
    package var kind: SpanKind
    package var context: TraceContext
    /// `nil`: the first of its trace.
    package var parent: TraceContext.SpanID?
    /// Nanoseconds since 1970.
    package var start: UInt64
    package var end: UInt64
    package var attributes: SpanAttributes
    package var events: [Event]
    package var links: [Link]
    package var status: SpanStatus?
}
