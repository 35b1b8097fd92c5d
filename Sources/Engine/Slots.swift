import Synchronization

/// A bounded number of places, and a bounded line for them.
final class Slots: Sendable {
    private struct State {
        var free: Int
        var next: UInt64 = 0
        /// In the order in which they came.
        var line: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    }

    private let queueLimit: Int
    private let state: Mutex<State>

    init(count: Int, queueLimit: Int) {
        self.queueLimit = queueLimit
        state = Mutex(State(free: count))
    }

    /// How many stand in the line.
    var waiting: Int { state.withLock { $0.line.count } }

    /// Waits for a place; whoever gets one gives it back.
    ///
    /// - Returns: `false` if the line is full, or the calling task is cancelled, and then there is nothing to give back.
    func take() async -> Bool {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    guard state.line.count < queueLimit else { return false }
                    state.line.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.line.firstIndex { $0.id == id }.map { state.line.remove(at: $0).continuation }
            }
            waiting?.resume(returning: false)
        }
    }

    /// Gives a place back, to the first in the line.
    func give() {
        let first = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.line.isEmpty else {
                state.free += 1
                return nil
            }
            return state.line.removeFirst().continuation
        }
        first?.resume(returning: true)
    }
}
