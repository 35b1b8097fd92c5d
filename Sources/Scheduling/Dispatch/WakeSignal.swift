import Synchronization
import Tasks

/// Tells idle dispatch loops that there may be work.
///
/// A loop reads `count` before it looks for work and waits for a later count afterwards: a signal between the two is
/// never missed.
final class WakeSignal: Sendable {
    private struct State {
        var count: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var count: UInt64 { state.withLock { $0.count } }

    /// Wakes everyone who waits.
    func signal() {
        let waiters = state.withLock { state in
            state.count &+= 1
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns once the count has passed `seen`, or the calling task is cancelled.
    func wait(after seen: UInt64) async {
        let waiter = state.withLock { state in
            state.nextWaiter &+= 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.count != seen || Task.isCancelled { return true }
                    state.waiters[waiter] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
        }
    }

    /// Returns once the count has passed `seen`, that time is over, or the calling task is cancelled.
    func wait(after seen: UInt64, atMost limit: Duration, _ clock: any ServiceClock) async {
        await withTaskGroup { group in
            group.addTask { await self.wait(after: seen) }
            // A sleep that a cancellation ends early; the only error is that.
            group.addTask { try? await clock.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
