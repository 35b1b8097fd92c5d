import Synchronization
import Tasks

/// What waits, in memory and in fair order: the generations in the queue of the database, as the writer leaves them.
///
/// The writing thread tells it of every change while the transaction is still open, so that the next write of the same
/// transaction finds it; when the transaction is rolled back, everything that it changed waits and runs again as it did
/// before. Readers may so see for a moment what is not on disk yet: they claim through the writer, and that knows.
final class WaitingQueue: Sendable {
    /// One change, as far as it must be known to be taken back.
    fileprivate enum Change {
        case inserted(WaitingGeneration, before: WaitingGeneration?, runningLimit: Int?)
        case removed(WaitingGeneration)
        case taken(WaitingGeneration)
        case settled(FairQueue.Settlement)
    }

    private struct State {
        var queue: FairQueue
        /// What the open transaction has changed, the first change first.
        var changes: [Change] = []
    }

    private let state: Mutex<State>

    init(_ queue: sending FairQueue) {
        state = Mutex(State(queue: queue))
    }

    // MARK: Reading

    var count: Int { state.withLock { $0.queue.count } }

    func heads(at now: Timestamp) -> QueueHeads {
        state.withLock { state in
            QueueHeads(
                heads: state.queue.heads(at: now),
                count: state.queue.count,
                cost: state.queue.cost,
                nextDelayed: state.queue.nextDelayed,
                countByPriority: state.queue.countByPriority
            )
        }
    }

    /// Asks the queue as it is at a moment.
    func read<Value: Sendable>(at now: Timestamp, _ body: (borrowing FairQueue) -> Value) -> Value {
        state.withLock { state in
            state.queue.advance(to: now)
            return body(state.queue)
        }
    }

    // MARK: Writing

    /// Lets a new generation wait, which says how many of its tenant may run.
    func admit(_ waiting: WaitingGeneration) {
        insert(waiting, saysLimit: true)
    }

    /// Lets a generation wait that was there before: how many of its tenant may run stays as it was said last.
    func insert(_ waiting: WaitingGeneration) {
        insert(waiting, saysLimit: false)
    }

    private func insert(_ waiting: WaitingGeneration, saysLimit: Bool) {
        state.withLock { state in
            let limit = state.queue.runningLimit(of: waiting.tenant)
            state.changes.append(.inserted(waiting, before: state.queue[waiting.id], runningLimit: limit))
            state.queue.insert(waiting)
            if !saysLimit { state.queue.setRunningLimit(of: waiting.tenant, to: limit) }
        }
    }

    /// Lets a generation wait no longer, if it does.
    func remove(_ id: GenerationID) {
        state.withLock { state in
            if let gone = state.queue.remove(id) { state.changes.append(.removed(gone)) }
        }
    }

    /// Takes a generation, or the first of all.
    ///
    /// - Returns: `nil` if it does not wait, is before its time, or as much of its tenant runs as may.
    func take(_ id: GenerationID?, at now: Timestamp) -> WaitingGeneration? {
        state.withLock { state in
            guard let id = id ?? state.queue.heads(at: now).first?.id,
                let taken = state.queue.take(id, at: now)
            else { return nil }
            state.changes.append(.taken(taken))
            return taken
        }
    }

    /// Corrects what was charged for an attempt that has ended.
    ///
    /// After a rollback it runs again, charged with what it had taken by now.
    func settle(_ id: GenerationID, actual: Double) {
        state.withLock { state in
            guard let settlement = state.queue.settle(id, actual: actual) else { return }
            state.changes.append(.settled(settlement))
        }
    }

    /// Everything since the last commit is on disk.
    func commit() {
        state.withLock { $0.changes.removeAll(keepingCapacity: true) }
    }

    /// Nothing since the last commit has happened.
    func rollBack() {
        state.withLock { state in
            for change in state.changes.reversed() { state.queue.takeBack(change) }
            state.changes.removeAll(keepingCapacity: true)
        }
    }
}

extension FairQueue {
    fileprivate mutating func takeBack(_ change: WaitingQueue.Change) {
        switch change {
        case .inserted(let waiting, let before, let limit):
            if let before { insert(before) } else { remove(waiting.id) }
            setRunningLimit(of: waiting.tenant, to: limit)
        case .removed(let waiting):
            putBack(waiting)
        case .taken(let waiting):
            // Nobody has had it.
            settle(waiting.id, actual: 0)
            putBack(waiting)
        case .settled(let settlement):
            unsettle(settlement)
        }
    }

    /// Lets a generation wait again.
    private mutating func putBack(_ waiting: WaitingGeneration) {
        let limit = runningLimit(of: waiting.tenant)
        insert(waiting)
        setRunningLimit(of: waiting.tenant, to: limit)
    }
}
