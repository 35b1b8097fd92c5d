import Foundation
import Synchronization

/// Hands news of generations to whoever works on them.
package final class NewsSigns: Sendable {
    /// News that waits for one reader, at most.
    package static let capacity = 1_000

    private struct State {
        var listeners: [UUID: AsyncStream<StoreNews>.Continuation] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    /// News from now on, until nobody listens or the store is closed; what is not read in time becomes `missed`.
    package func stream() -> AsyncStream<StoreNews> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: StoreNews.self,
            bufferingPolicy: .bufferingNewest(Self.capacity)
        )
        let id = UUID()
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.listeners[id] = nil }
        }
        let isClosed = state.withLock { state in
            if !state.isClosed { state.listeners[id] = continuation }
            return state.isClosed
        }
        if isClosed { continuation.finish() }
        return stream
    }

    /// Tells of a committed transaction.
    package func give(_ news: [StoreNews]) {
        guard !news.isEmpty else { return }
        for listener in state.withLock({ Array($0.listeners.values) }) {
            for item in news {
                // The newest stays, so that the reader learns of the gap even if nothing comes any more.
                if case .dropped = listener.yield(item) { listener.yield(.missed) }
            }
        }
    }

    /// Ends every stream.
    package func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
