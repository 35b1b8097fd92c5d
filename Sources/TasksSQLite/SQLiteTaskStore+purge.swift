import Foundation
import GRDB
package import Tasks

extension SQLiteTaskStore {
    package func purge(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        // The tasks are looked up by a reader, so that the writer only removes: those at the front may all be waiting
        // for a receiver that is down.
        let found = try await tasksToRemove(retention, limit: limit)
        return try await commits.perform { write in
            var removed = 0
            for task in found where removed < limit { removed += try write.remove(task) }
            removed += try write.removeUnusedGenerations(limit: limit)
            removed += try write.removeEvents(retention, limit: limit)
            removed += try write.removeIdempotencyKeys(retention, limit: limit)
            removed += try write.removeDeliveries(retention, limit: limit)
            removed += try write.removeUsage(limit: limit)
            return removed
        }
    }

    /// Tasks of which nothing is to be delivered: those that were taken out of sight, and those that have been over for
    /// long enough, the first to end first.
    private func tasksToRemove(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> [TaskToRemove] {
        let end = retention.tasks.map { clock.wallTime().advanced(by: .zero - $0) }
        return try await read { db in
            func tasks(_ sql: String, _ arguments: StatementArguments, endedBy: Int64?) throws -> [TaskToRemove] {
                try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments).map { row in
                    TaskToRemove(tenant: row[0], id: try taskID(row[1]), endedBy: endedBy)
                }
            }
            let removed = try tasks(
                """
                SELECT tenant, id FROM tasks WHERE removed_at IS NOT NULL AND \(TaskToRemove.hasNothingPending)
                ORDER BY removed_at LIMIT ?
                """,
                [limit],
                endedBy: nil
            )
            guard let end, removed.count < limit else { return removed }
            let ended = try tasks(
                """
                SELECT tenant, id FROM tasks
                WHERE finished_at <= ? AND removed_at IS NULL AND \(TaskToRemove.hasNothingPending)
                ORDER BY finished_at LIMIT ?
                """,
                [end.milliseconds, limit - removed.count],
                endedBy: end.milliseconds
            )
            return removed + ended
        }
    }
}

/// A task that a purge found.
struct TaskToRemove: Sendable {
    var tenant: String
    var id: TaskID
    /// By then it had ended; `nil`: it was taken out of its tenant's sight.
    var endedBy: Int64?

    /// Holds for tasks of which nothing is to be delivered any more.
    static let hasNothingPending = """
        (tasks.callback_url IS NULL OR NOT EXISTS (
            SELECT 1 FROM deliveries d INDEXED BY deliveries_pending
            WHERE d.tenant = tasks.tenant AND d.task_id = tasks.id AND d.status = 'pending'))
        """
}

/// What `purge` removes; each returns how many rows that were.
extension Write {
    /// Seconds of device time are known for so many days.
    private static let daysOfUsage: Int64 = 90

    /// Removes a task that still is as it was when it was found, with its deliveries.
    func remove(_ task: TaskToRemove) throws -> Int {
        let found = try rows(
            """
            DELETE FROM tasks WHERE tenant = ? AND id = ? AND (removed_at IS NOT NULL OR finished_at <= ?)
                AND \(TaskToRemove.hasNothingPending)
            RETURNING generation_id, callback_url IS NOT NULL
            """,
            [task.tenant, task.id.bytes, task.endedBy]
        )
        guard let gone = found.first else { return 0 }
        var removed = 1
        if gone[1] {
            removed += try execute(
                "DELETE FROM deliveries WHERE tenant = ? AND task_id = ?",
                [task.tenant, task.id.bytes]
            )
        }
        if task.endedBy == nil { removed += try execute("DELETE FROM events WHERE task_id = ?", [task.id.bytes]) }
        try noteIfUnused(GenerationID(rawValue: gone[0]))
        effects.removedTasks.append(task.id)
        return removed
    }

    /// Removes generations that no task has and that answer nothing.
    func removeUnusedGenerations(limit: Int) throws -> Int {
        try execute(
            """
            DELETE FROM generations WHERE id IN (
                SELECT id FROM generations WHERE is_unused = 1 ORDER BY id LIMIT ?)
            """,
            [limit]
        )
    }

    /// Removes old events, of removed tasks in any case.
    ///
    /// Events come in the order of time, so that the first ones are the oldest.
    func removeEvents(_ retention: Retention, limit: Int) throws -> Int {
        guard let end = end(of: retention.events, orOf: retention.tasks) else { return 0 }
        return try execute(
            """
            DELETE FROM events WHERE sequence IN (
                SELECT sequence FROM (SELECT sequence, at FROM events ORDER BY sequence LIMIT ?) WHERE at <= ?)
            """,
            [limit, end]
        )
    }

    /// Removes old idempotency keys, of removed tasks in any case.
    func removeIdempotencyKeys(_ retention: Retention, limit: Int) throws -> Int {
        guard let end = end(of: retention.idempotencyKeys, orOf: retention.tasks) else { return 0 }
        return try execute(
            """
            DELETE FROM idempotency_keys WHERE (tenant, key) IN (
                SELECT tenant, key FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ?)
            """,
            [end, limit]
        )
    }

    /// Removes deliveries that have ended long ago.
    func removeDeliveries(_ retention: Retention, limit: Int) throws -> Int {
        guard let end = end(of: retention.deliveries, orOf: nil) else { return 0 }
        return try execute(
            """
            DELETE FROM deliveries WHERE number IN (
                SELECT number FROM deliveries WHERE ended_at <= ? ORDER BY ended_at LIMIT ?)
            """,
            [end, limit]
        )
    }

    /// Removes what tenants have had long ago.
    func removeUsage(limit: Int) throws -> Int {
        try execute(
            """
            DELETE FROM usage WHERE (day, tenant) IN (
                SELECT day, tenant FROM usage WHERE day < ? ORDER BY day LIMIT ?)
            """,
            [now.day - Self.daysOfUsage, limit]
        )
    }

    /// What is not younger than this is removed; `nil` if everything is kept.
    ///
    /// What belongs to a task is not kept longer than tasks are: it is never younger than the end of its task.
    private func end(of age: Duration?, orOf taskAge: Duration?) -> Int64? {
        [age, taskAge].compactMap(\.self).min().map { now.advanced(by: .zero - $0).milliseconds }
    }
}
