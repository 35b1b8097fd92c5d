import Synchronization

/// The open tasks that this process follows.
final class OpenTasks: Sendable {
    fileprivate struct Entry {
        var open: OpenTask
        /// What the backend was told last.
        var told: CeleryRecord?
        let poke: AsyncStream<Void>.Continuation
    }

    private let entries = Mutex<[String: Entry]>([:])

    var count: Int { entries.withLock { $0.count } }

    /// Begins to follow a task.
    ///
    /// - Returns: signs that it must be looked at; `nil` if it is followed already.
    func add(_ open: OpenTask) -> AsyncStream<Void>? {
        let (signs, poke) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        return entries.withLock { entries in
            guard entries[open.brief.id] == nil else { return nil }
            entries[open.brief.id] = Entry(open: open, poke: poke)
            return signs
        }
    }

    /// Ends following a task, and the signs of it.
    func remove(_ id: String) {
        entries.withLock { $0.removeValue(forKey: id) }?.poke.finish()
    }

    subscript(id: String) -> OpenTask? { entries.withLock { $0[id]?.open } }

    /// What the backend was told last of a task.
    func told(_ id: String) -> CeleryRecord? { entries.withLock { $0[id]?.told } }

    func tell(_ id: String, _ record: CeleryRecord) {
        entries.withLock { $0[id]?.told = record }
    }

    /// Has a task looked at.
    func poke(_ id: String) {
        entries.withLock { $0[id]?.poke }?.yield()
    }

    /// Has every task looked at.
    func pokeAll() {
        for poke in entries.withLock({ $0.values.map(\.poke) }) { poke.yield() }
    }

    /// Tasks that are worked on, or those that are not.
    func tasks(running: Bool, limit: Int) -> [OpenTask] {
        entries.withLock { entries in
            Array(entries.values.lazy.filter { $0.isRunning == running }.map(\.open).prefix(limit))
        }
    }

    var running: Int {
        entries.withLock { $0.values.count { $0.isRunning } }
    }

    func isRunning(_ id: String) -> Bool {
        entries.withLock { $0[id]?.isRunning ?? false }
    }
}

extension OpenTasks.Entry {
    fileprivate var isRunning: Bool { told?.state == .started || told?.state == .progress }
}
