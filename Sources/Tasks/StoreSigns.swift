import Foundation
import Synchronization

/// Everybody who is told of what a store's transactions have done.
package struct StoreSigns: Sendable {
    package let deliveries = Signs()
    package let keys = Signs()
    package let tasks = TaskSigns()
    package let news = NewsSigns()

    package init() {}

    /// Ends every stream.
    package func close() {
        deliveries.close()
        keys.close()
        tasks.close()
        news.close()
    }
}

/// Hands signs that a task has changed to whoever watches that task.
///
/// Costs one look where nobody watches anything.
package final class TaskSigns: Sendable {
    private struct State {
        var watchers: [TaskID: [UUID: AsyncStream<Void>.Continuation]] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Signs from now on, until nobody listens or the store is closed; those that are not read in time become one.
    package func stream(of id: TaskID) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watcher = UUID()
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in
                state.watchers[id]?[watcher] = nil
                if state.watchers[id]?.isEmpty == true { state.watchers[id] = nil }
            }
        }
        let isClosed = state.withLock { state in
            if !state.isClosed { state.watchers[id, default: [:]][watcher] = continuation }
            return state.isClosed
        }
        if isClosed { continuation.finish() }
        return stream
    }

    /// Tells the watchers of tasks that these have changed.
    package func give(_ changed: @autoclosure () -> [TaskID]) {
        let told: [AsyncStream<Void>.Continuation] = state.withLock { state in
            guard !state.watchers.isEmpty else { return [] }
            return Set(changed()).flatMap { state.watchers[$0].map { Array($0.values) } ?? [] }
        }
        for watcher in told { watcher.yield() }
    }

    /// Tells everybody who watches any task.
    package func giveAll() {
        let told = state.withLock { state in state.watchers.values.flatMap { Array($0.values) } }
        for watcher in told { watcher.yield() }
    }

    /// Ends every stream.
    package func close() {
        let watchers = state.withLock { state in
            state.isClosed = true
            return state.watchers.values.flatMap(\.values)
        }
        for watcher in watchers { watcher.finish() }
    }
}
