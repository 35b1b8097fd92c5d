import Synchronization
import Tasks

/// The generations that this process is working on, so that a cancel reaches its device at once.
final class RunningGenerations: Sendable {
    /// What a generation is told while it runs.
    enum Order: Sendable {
        /// Nobody wants it any more.
        case stop
        /// Something more urgent waits.
        case makeWay
    }

    private struct Entry {
        var running: PreemptionPolicy.Running
        var orders: AsyncStream<Order>.Continuation
    }

    private let entries = Mutex<[GenerationID: Entry]>([:])

    var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    /// What runs, in no order.
    var all: [PreemptionPolicy.Running] { entries.withLock { $0.values.map(\.running) } }

    /// Registers a generation.
    ///
    /// - Parameters:
    ///   - generation: what runs.
    ///   - now: monotonic.
    /// - Returns: what it is told; ends when it is removed.
    func add(_ generation: Generation, at now: Duration) -> AsyncStream<Order> {
        let (stream, continuation) = AsyncStream.makeStream(of: Order.self, bufferingPolicy: .bufferingOldest(4))
        let running = PreemptionPolicy.Running(
            id: generation.id,
            priority: generation.priority,
            since: now,
            isMakingWay: false
        )
        entries.withLock { $0[generation.id] = Entry(running: running, orders: continuation) }
        return stream
    }

    /// Forgets a generation.
    func remove(_ id: GenerationID) {
        entries.withLock { $0.removeValue(forKey: id) }?.orders.finish()
    }

    /// A more urgent task has joined a generation; nothing happens if that is not here.
    func raise(_ id: GenerationID, to priority: Int) {
        entries.withLock { entries in
            guard let running = entries[id]?.running else { return }
            entries[id]?.running.priority = max(running.priority, priority)
        }
    }

    /// Asks for a stop; nothing happens if the generation is not here.
    func stop(_ id: GenerationID) {
        _ = entries.withLock { $0[id]?.orders }?.yield(.stop)
    }

    /// Asks a generation to make way, once.
    func makeWay(_ id: GenerationID) {
        let orders = entries.withLock { entries -> AsyncStream<Order>.Continuation? in
            guard entries[id]?.running.isMakingWay == false else { return nil }
            entries[id]?.running.isMakingWay = true
            return entries[id]?.orders
        }
        _ = orders?.yield(.makeWay)
    }
}
