import Foundation
import Synchronization
import Tasks

/// Everybody who is told of what the writer has done.
struct StoreSigns: Sendable {
    let deliveries = Signs()
    let keys = Signs()
    let tasks = TaskSigns()
    let news = NewsSigns()

    /// Tells of a committed transaction.
    func give(_ effects: WriteEffects) {
        if effects.hasNewDeliveries { deliveries.give() }
        if effects.hasChangedKeys { keys.give() }
        tasks.give(effects)
        news.give(effects.news)
    }

    /// Ends every stream.
    func close() {
        deliveries.close()
        keys.close()
        tasks.close()
        news.close()
    }
}

/// Hands the writer's signs that a task has changed to whoever watches that task.
///
/// Costs the writer one look where nobody watches anything.
final class TaskSigns: Sendable {
    private struct State {
        var watchers: [TaskID: [UUID: AsyncStream<Void>.Continuation]] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Signs from now on, until nobody listens or the store is closed; those that are not read in time become one.
    func stream(of id: TaskID) -> AsyncStream<Void> {
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

    /// Tells the watchers of the tasks that a committed transaction has changed.
    func give(_ effects: WriteEffects) {
        let told: [AsyncStream<Void>.Continuation] = state.withLock { state in
            guard !state.watchers.isEmpty else { return [] }
            // A video that is let go, or there again, changes tasks that nobody has read for it.
            guard effects.changedVideos.isEmpty else { return state.watchers.values.flatMap { Array($0.values) } }
            let changed = effects.newTasks.map(\.id) + effects.changedTasks.map(\.id) + effects.removedTasks
            return Set(changed).flatMap { state.watchers[$0].map { Array($0.values) } ?? [] }
        }
        for watcher in told { watcher.yield() }
    }

    /// Ends every stream.
    func close() {
        let watchers = state.withLock { state in
            state.isClosed = true
            return state.watchers.values.flatMap(\.values)
        }
        for watcher in watchers { watcher.finish() }
    }
}
