import Synchronization

/// Spans that wait to be exported: so many at most.
///
/// Adding one never waits. What finds no room is dropped and counted.
package final class SpanQueue: Sendable {
    private struct State {
        var waiting: [SpanRecord] = []
        var dropped = 0
    }

    private let limit: Int
    private let threshold: Int
    private let state = Mutex(State())
    private let sign: AsyncStream<Void>.Continuation
    /// Signs that something should be sent, for one reader; those that are not read in time become one.
    let signs: AsyncStream<Void>

    /// - Parameters:
    ///   - limit: spans that may wait.
    ///   - threshold: spans that are worth a batch.
    package init(limit: Int, threshold: Int) {
        self.limit = limit
        self.threshold = threshold
        (signs, sign) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func add(_ span: SpanRecord) {
        let count = state.withLock { state in
            if state.waiting.count < limit {
                state.waiting.append(span)
            } else {
                state.dropped += 1
            }
            return state.waiting.count
        }
        if count >= threshold { sign.yield() }
    }

    /// Has what waits sent now, though it may be less than a batch.
    func wake() {
        sign.yield()
    }

    /// Takes the oldest, a batch at most.
    package func take() -> [SpanRecord] {
        state.withLock { state in
            let batch = Array(state.waiting.prefix(threshold))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }

    /// Counts spans that were taken and could not be exported.
    package func drop(_ count: Int) {
        state.withLock { $0.dropped += count }
    }

    /// How many were dropped since this was last asked.
    package func takeDropped() -> Int {
        state.withLock { state in
            defer { state.dropped = 0 }
            return state.dropped
        }
    }
}
