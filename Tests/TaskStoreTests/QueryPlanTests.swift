import Foundation
import GRDB
import Logging
import Synchronization
import Tasks
import TestSupport
import Testing

@testable import TasksSQLite

/// What the store asks SQLite, however much is stored.
@Suite("Query plans")
struct QueryPlanTests {
    /// Parts of the statements that read a table in the order of its rows.
    private static let exceptions = [
        // There are as many keys as may be, and all are asked for.
        "FROM access_keys ORDER BY number DESC", "SELECT COUNT(*) FROM access_keys",
        // The first few, whatever they are.
        "FROM events ORDER BY sequence LIMIT ?",
        // A page of all, in the order of the table.
        "FROM deliveries d  WHERE TRUE ORDER BY d.number DESC LIMIT ?",
        "FROM deliveries d  WHERE TRUE AND d.number < ? ORDER BY d.number DESC LIMIT ?",
    ]

    /// Every statement that the store runs while it shows what it can.
    private func statements() async throws -> Set<String> {
        let found = Mutex<Set<String>>([])
        func trace(_ use: @Sendable (SQLiteTaskStore, ManualClock) async throws -> Void) async throws {
            let clock = ManualClock()
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            // In memory readers and the writer share one connection.
            let store = try await SQLiteTaskStore.inMemory(clock: clock, logger: logger)
            try await store.commits.perform { write in
                write.db.trace(options: .statement) { event in
                    if case .statement(let statement) = event { _ = found.withLock { $0.insert(statement.sql) } }
                }
            }
            try await use(store, clock)
            try await store.commits.perform { write in write.db.trace() }
            try await store.close()
        }
        for behaviour in TaskStoreConformance.all {
            try await trace { try await behaviour.check(TaskStoreWorld(store: $0, clock: $1)) }
        }
        for behaviour in DeliveryStoreConformance.all {
            try await trace { try await behaviour.check(DeliveryStoreWorld(store: $0, clock: $1)) }
        }
        for behaviour in UploadStoreConformance.all {
            try await trace { try await behaviour.check(UploadStoreWorld(store: $0, clock: $1)) }
        }
        for behaviour in KeyStoreConformance.all {
            try await trace { try await behaviour.check(KeyStoreWorld(store: $0, clock: $1)) }
        }
        return found.withLock { $0 }
    }

    @Test("No statement of the store reads a table from end to end")
    func noScans() async throws {
        let statements = try await statements()
        #expect(statements.count > 100)
        let database = try DatabaseQueue()
        try Schema.migrator.migrate(database)
        try await database.read { db in
            for sql in statements where ["SELECT", "UPDATE", "DELETE", "INSERT"].contains(sql.prefix(6)) {
                guard !Self.exceptions.contains(where: { sql.contains($0) }) else { continue }
                let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
                statement.setUncheckedArguments(StatementArguments(Array(repeating: DatabaseValue?.none, count: 64)))
                let plan = try Row.fetchAll(statement).map { $0[3] as String }
                // What goes by an index ends with the page, or reads what is in the index because all of it counts.
                let scans = plan.filter { line in
                    line.hasPrefix("SCAN") && !["INDEX", "(subquery", "CONSTANT ROW"].contains { line.contains($0) }
                }
                #expect(scans.isEmpty, "\(sql)")
            }
        }
    }
}
