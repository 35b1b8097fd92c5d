import Foundation
import Synchronization
import Tasks

/// The tasks that were asked for or changed last, in memory, so that a poll costs no database read.
///
/// True at every moment: the writer puts each change in after its commit and before anybody hears of it, and what a
/// reader brings from the database is dropped if a change came in between. Bounded: two generations of entries, the
/// older of which is let go when the younger is full.
final class TaskCache: Sendable {
    /// What a reader remembers from before its database read.
    struct Ticket {
        fileprivate var changes: UInt64
    }

    private struct Shard {
        var young: [TaskID: GenerationTask] = [:]
        var old: [TaskID: GenerationTask] = [:]
        /// Counts changes to any task of this shard.
        var changes: UInt64 = 0

        mutating func store(_ task: GenerationTask, capacity: Int) {
            if young.count >= capacity {
                old = young
                young = [:]
                young.reserveCapacity(capacity)
            }
            young[task.id] = task
        }
    }

    /// A `Mutex` cannot be an element of an array; a class around it can.
    private final class Guarded: Sendable {
        let shard = Mutex(Shard())
    }

    private let shards: [Guarded]
    private let shardCapacity: Int

    /// - Parameter capacity: tasks kept, at most; between half of it and all once it has filled.
    init(capacity: Int) {
        let count = 16
        shards = (0..<count).map { _ in Guarded() }
        shardCapacity = max(1, capacity / count / 2)
    }

    private func shard(of id: TaskID) -> Guarded {
        // The last byte of the id is random.
        shards[Int(id.uuid.uuid.15) % shards.count]
    }

    /// The task if it is here and this tenant's, and otherwise what `insert` wants to know.
    func lookUp(_ id: TaskID, of tenant: TenantID) -> (task: GenerationTask?, ticket: Ticket) {
        shard(of: id).shard.withLock { shard in
            let ticket = Ticket(changes: shard.changes)
            if let task = shard.young[id] {
                return (task.tenant == tenant ? task : nil, ticket)
            }
            if let task = shard.old[id] {
                shard.store(task, capacity: shardCapacity)
                return (task.tenant == tenant ? task : nil, ticket)
            }
            return (nil, ticket)
        }
    }

    /// Keeps what a reader found in the database, unless something changed since it took its ticket.
    func insert(_ task: GenerationTask, _ ticket: Ticket) {
        shard(of: task.id).shard.withLock { shard in
            guard shard.changes == ticket.changes else { return }
            shard.store(task, capacity: shardCapacity)
        }
    }

    /// Takes over what a committed transaction has done.
    func apply(_ effects: WriteEffects) {
        for task in effects.newTasks { put(task) }
        for task in effects.changedTasks { refresh(task) }
        if !effects.changedVideos.isEmpty { refresh(effects.changedVideos) }
        for id in effects.removedTasks { remove(id) }
    }

    /// Puts in a task that was just written.
    private func put(_ task: GenerationTask) {
        shard(of: task.id).shard.withLock { shard in
            shard.changes &+= 1
            shard.old[task.id] = nil
            shard.store(task, capacity: shardCapacity)
        }
    }

    /// Replaces a task that was just changed, if it is here.
    private func refresh(_ task: GenerationTask) {
        shard(of: task.id).shard.withLock { shard in
            shard.changes &+= 1
            if shard.young[task.id] != nil {
                shard.young[task.id] = task
            } else if shard.old[task.id] != nil {
                shard.old[task.id] = task
            }
        }
    }

    /// Lets every task that is here know which videos were let go and which are there again.
    private func refresh(_ videos: [String: VideoRecord]) {
        for guarded in shards {
            guarded.shard.withLock { shard in
                shard.changes &+= 1
                Self.refresh(&shard.young, videos)
                Self.refresh(&shard.old, videos)
            }
        }
    }

    private static func refresh(_ tasks: inout [TaskID: GenerationTask], _ videos: [String: VideoRecord]) {
        let changed = tasks.compactMap { id, task in
            task.generation.result.flatMap { videos[$0.video] }.map { (id, $0.expiredAt) }
        }
        for (id, expiredAt) in changed {
            tasks[id]?.generation.result?.expiredAt = expiredAt
        }
    }

    private func remove(_ id: TaskID) {
        shard(of: id).shard.withLock { shard in
            shard.changes &+= 1
            shard.young[id] = nil
            shard.old[id] = nil
        }
    }
}
