package import Tasks

/// Which traces are recorded.
///
/// Whoever began a trace has decided; of those that begin here a share is taken, by the trace's name, so that everyone
/// who knows the share comes to the same answer.
package struct TraceSampler: Sendable, Equatable {
    /// The share, 0 to 1.
    package var ratio: Double

    package init(ratio: Double) {
        self.ratio = ratio
    }

    /// Whether a trace that begins here is recorded.
    package func isSampled(_ id: TraceContext.TraceID) -> Bool {
        // The last seven bytes are those that are random in every trace, by the specification.
        let random = id.low & 0x00FF_FFFF_FFFF_FFFF
        // Compared as integers: as a number with a fraction the highest would not be below 1.
        return random < UInt64(min(max(ratio, 0), 1) * 0x1p56)
    }

    /// The context of a span under a parent, or of the first span of a trace.
    package func context(under parent: TraceContext?) -> TraceContext {
        if let parent { return parent.child() }
        let id = TraceContext.TraceID.random()
        return TraceContext(traceID: id, spanID: .random(), isSampled: isSampled(id))
    }
}
