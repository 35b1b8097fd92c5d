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
        var course: Course
        var estimate: CostEstimate
    }

    private let entries = Mutex<[GenerationID: Entry]>([:])

    var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    var count: Int { entries.withLock { $0.count } }

    /// What runs, in no order.
    var all: [PreemptionPolicy.Running] { entries.withLock { $0.values.map(\.running) } }

    /// Registers a generation.
    ///
    /// - Parameters:
    ///   - generation: what runs.
    ///   - course: how far it is.
    ///   - estimate: what it was predicted to take.
    ///   - now: monotonic.
    /// - Returns: what it is told; ends when it is removed.
    func add(
        _ generation: Generation,
        _ course: Course,
        _ estimate: CostEstimate,
        at now: Duration
    ) -> AsyncStream<Order> {
        let (stream, continuation) = AsyncStream.makeStream(of: Order.self, bufferingPolicy: .bufferingOldest(4))
        let running = PreemptionPolicy.Running(
            id: generation.id,
            priority: generation.priority,
            since: now,
            isMakingWay: false
        )
        let entry = Entry(running: running, orders: continuation, course: course, estimate: estimate)
        entries.withLock { $0[generation.id] = entry }
        return stream
    }

    /// Forgets a generation.
    func remove(_ id: GenerationID) {
        entries.withLock { $0.removeValue(forKey: id) }?.orders.finish()
    }

    /// How long a generation still takes.
    ///
    /// - Parameters:
    ///   - id: which one.
    ///   - now: monotonic seconds.
    /// - Returns: seconds; `nil` if it is not here.
    func remainingTime(of id: GenerationID, at now: Double) -> Double? {
        let entry = entries.withLock { entries in entries[id].map { ($0.course, $0.estimate) } }
        return entry.map { course, estimate in RemainingTime.seconds(course.standing, estimate, at: now) }
    }

    /// How far a generation is; `nil` if it is not here or has not said.
    func progress(of id: GenerationID) -> GenerationProgress? {
        entries.withLock { $0[id]?.course }?.standing.progress
    }

    /// The priority of the tasks that want a generation; `nil` if it is not here.
    func priority(of id: GenerationID) -> Int? {
        entries.withLock { $0[id]?.running.priority }
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
