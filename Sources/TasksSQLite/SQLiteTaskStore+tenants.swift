import Foundation
import GRDB
package import Tasks

/// What is asked over the tenants.
extension SQLiteTaskStore {
    package func owner(of id: TaskID) async throws(TaskStoreError) -> TenantID? {
        try await read { db in
            let statement = try db.cachedStatement(sql: "SELECT tenant FROM tasks WHERE id = ? AND removed_at IS NULL")
            return try String.fetchOne(statement, arguments: [id.bytes]).map(TenantID.init(rawValue:))
        }
    }

    package func owns(_ tenant: TenantID, video: String) async throws(TaskStoreError) -> Bool {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT EXISTS (
                        SELECT 1 FROM generations g JOIN tasks t ON t.generation_id = g.id
                        WHERE g.video = ? AND t.tenant = ? AND t.status = 'succeeded' AND t.removed_at IS NULL)
                    """
            )
            return try Bool.fetchOne(statement, arguments: [video, tenant.rawValue]) ?? false
        }
    }

    package func usage() async throws(TaskStoreError) -> [TenantUsage] {
        let now = clock.wallTime()
        return try await read { db in
            var usage: [TenantID: TenantUsage] = [:]
            func each(_ sql: String, _ arguments: StatementArguments, _ note: (inout TenantUsage, Row) -> Void) throws {
                for row in try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments) {
                    let tenant = TenantID(rawValue: row[0])
                    note(&usage[tenant, default: TenantUsage(tenant: tenant)], row)
                }
            }
            try each(
                """
                SELECT tenant, SUM(status = 'queued'), SUM(status = 'running') FROM tasks
                WHERE status = 'queued' OR status = 'running' GROUP BY tenant
                """,
                []
            ) { usage, row in
                usage.waiting = row[1]
                usage.running = row[2]
            }
            try each("SELECT tenant, device_seconds FROM usage WHERE day = ?", [now.day]) { usage, row in
                usage.deviceSecondsToday = row[1]
            }
            try each(
                "SELECT tenant, SUM(bytes) FROM uploads WHERE expires_at > ? GROUP BY tenant",
                [now.milliseconds]
            ) { usage, row in
                usage.storageBytes = row[1]
            }
            return usage.values.sorted { $0.tenant.rawValue < $1.tenant.rawValue }
        }
    }

    package func setPriority(
        _ priority: Int,
        of id: TaskID,
        of tenant: TenantID
    ) async throws(TaskStoreError) -> GenerationTask? {
        try await commits.perform { write in
            guard var task = try write.task(id, of: tenant) else { return nil }
            // A task that was cancelled has no say in a generation that goes on for others.
            guard task.status == .queued, var row = try write.generation(task.generation.id) else { return task }
            row.generation.priority = priority
            try write.execute(
                "UPDATE generations SET priority = ? WHERE id = ?",
                [priority, row.generation.id.rawValue]
            )
            write.queue.insert(row.waiting)
            write.effects.tell(.queue)
            write.effects.changedTasks += try write.tasks(of: row.generation)
            task.generation = row.generation
            return task
        }
    }
}
