import Foundation
import GRDB
package import Tasks

/// What happened, and who is told that something has.
extension SQLiteTaskStore {
    package func events(after sequence: Int64, limit: Int) async throws(TaskStoreError) -> [TaskEvent] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "\(EventRow.select) WHERE sequence > ? ORDER BY sequence LIMIT ?"
            )
            return try Row.fetchAll(statement, arguments: [sequence, limit]).map(EventRow.event)
        }
    }

    package func events(
        of id: TaskID,
        of tenant: TenantID,
        after sequence: Int64,
        limit: Int
    ) async throws(TaskStoreError) -> [TaskEvent] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    \(EventRow.select) WHERE task_id = ?1 AND sequence > ?2 AND tenant = ?3 AND EXISTS (
                        SELECT 1 FROM tasks WHERE tenant = ?3 AND id = ?1 AND removed_at IS NULL)
                    ORDER BY sequence LIMIT ?4
                    """
            )
            return try Row.fetchAll(statement, arguments: [id.bytes, sequence, tenant.rawValue, limit])
                .map(EventRow.event)
        }
    }

    package func news() -> AsyncStream<StoreNews> {
        signs.news.stream()
    }

    package func changes(of id: TaskID) -> AsyncStream<Void> {
        signs.tasks.stream(of: id)
    }
}

/// Events as rows.
private enum EventRow {
    static let select = "SELECT sequence, tenant, task_id, kind, at FROM events"

    /// Reads a row of `select`.
    static func event(_ row: Row) throws -> TaskEvent {
        guard let kind = TaskEvent.Kind(rawValue: row[3]) else { throw DamagedRow(column: "kind") }
        return TaskEvent(
            sequence: row[0],
            task: try taskID(row[2]),
            tenant: TenantID(rawValue: row[1]),
            kind: kind,
            at: Timestamp(milliseconds: row[4])
        )
    }
}
