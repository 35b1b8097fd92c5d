import Foundation
import GRDB
package import Tasks

extension SQLiteTaskStore {
    package func purge(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        // The tasks are looked up by a reader, so that the writer only removes: those at the front may all be waiting
        // for a receiver that is down.
        let ended = try await endedTasks(retention, limit: limit)
        return try await commits.perform { write in
            var removed = try write.removeTasks(ended, retention, limit: limit)
            removed += try write.removeUnusedGenerations(limit: limit)
            removed += try write.removeEvents(retention, limit: limit)
            removed += try write.removeIdempotencyKeys(retention, limit: limit)
            removed += try write.removeDeliveries(retention, limit: limit)
            return removed
        }
    }

    /// Tasks that have been over for long enough and have nothing to deliver, the first to end first.
    private func endedTasks(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> [EndedTask] {
        guard let age = retention.tasks else { return [] }
        let end = clock.wallTime().advanced(by: .zero - age)
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT tenant, id FROM tasks WHERE \(EndedTask.condition) ORDER BY finished_at LIMIT ?"
            )
            return try Row.fetchAll(statement, arguments: [end.milliseconds, limit]).map { row in
                EndedTask(tenant: row[0], id: try taskID(row[1]))
            }
        }
    }
}

/// A task that a purge found.
struct EndedTask: Sendable {
    var tenant: String
    var id: TaskID

    /// Holds for tasks that ended by a moment and of which nothing is to be delivered any more.
    static let condition = """
        tasks.finished_at <= ? AND (tasks.callback_url IS NULL OR NOT EXISTS (
            SELECT 1 FROM deliveries d INDEXED BY deliveries_pending
            WHERE d.tenant = tasks.tenant AND d.task_id = tasks.id AND d.status = 'pending'))
        """
}

/// What `purge` removes; each returns how many rows that were.
extension Write {
    /// Removes tasks that still are as they were when they were found, with their deliveries.
    func removeTasks(_ tasks: [EndedTask], _ retention: Retention, limit: Int) throws -> Int {
        guard let age = retention.tasks else { return 0 }
        let end = now.advanced(by: .zero - age).milliseconds
        var removed = 0
        for task in tasks where removed < limit {
            let found = try rows(
                """
                DELETE FROM tasks WHERE tenant = ? AND id = ? AND \(EndedTask.condition)
                RETURNING generation_id, callback_url IS NOT NULL
                """,
                [task.tenant, task.id.bytes, end]
            )
            guard let gone = found.first else { continue }
            removed += 1
            if gone[1] {
                removed += try execute(
                    "DELETE FROM deliveries WHERE tenant = ? AND task_id = ?",
                    [task.tenant, task.id.bytes]
                )
            }
            try noteIfUnused(GenerationID(rawValue: gone[0]))
            effects.removedTasks.append(task.id)
        }
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

    /// What is not younger than this is removed; `nil` if everything is kept.
    ///
    /// What belongs to a task is not kept longer than tasks are: it is never younger than the end of its task.
    private func end(of age: Duration?, orOf taskAge: Duration?) -> Int64? {
        [age, taskAge].compactMap(\.self).min().map { now.advanced(by: .zero - $0).milliseconds }
    }
}
