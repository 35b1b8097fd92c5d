import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("Deliveries in the SQLite task store")
struct SQLiteDeliveryTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func open(_ path: String) async throws -> SQLiteTaskStore {
        try await SQLiteTaskStore.open(path: path, clock: ManualClock(), logger: logger)
    }

    /// What a kill or a loss of power at that moment leaves behind.
    @Test("A copy of the files at any moment has the end of a task and its delivery, or neither")
    func copies() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/tasks.sqlite"
            let store = try await open(path)
            for key in 0..<12 {
                for _ in 0..<4 { _ = try await store.submit(.fixture("\(key)", callback: .fixture()), queueLimit: 100) }
            }
            let copies = try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<3 {
                    group.addTask {
                        let request = ClaimRequest(owner: WorkerID(rawValue: "\(worker)"), duration: .seconds(60))
                        while let claimed = try await store.claim(request) {
                            try await store.finish(claimed.lease, with: .fixture(claimed))
                        }
                    }
                }
                var copies: [String] = []
                let done = TaskQuery(tenant: .standard, status: .succeeded, limit: 100)
                while try await store.tasks(matching: done).tasks.count < 48 {
                    let copy = "\(directory)/copy-\(copies.count).sqlite"
                    try FileManager.default.copyItem(atPath: path, toPath: copy)
                    try FileManager.default.copyItem(atPath: path + "-wal", toPath: copy + "-wal")
                    copies.append(copy)
                }
                try await group.waitForAll()
                return copies
            }
            try await store.close()
            for copy in copies {
                let copied = try await open(copy)
                let ended = try await copied.tasks(
                    matching: TaskQuery(tenant: .standard, status: .succeeded, limit: 100)
                )
                let deliveries = try await copied.deliveries(matching: DeliveryQuery(tenant: .standard, limit: 100))
                #expect(Set(deliveries.deliveries.map(\.id.task)) == Set(ended.tasks.map(\.id)))
                #expect(deliveries.deliveries.count == ended.tasks.count)
                try await copied.close()
            }
        }
    }

    @Test("Whoever listens is let go when the store closes, and does not wait for one that is closed")
    func closing() async throws {
        let store = try await SQLiteTaskStore.inMemory(clock: ManualClock(), logger: logger)
        let signs = store.newDeliveries()
        let heard = Task { await signs.reduce(into: 0) { count, _ in count += 1 } }
        try await store.close()
        #expect(await heard.value == 0)
        #expect(await store.newDeliveries().reduce(into: 0) { count, _ in count += 1 } == 0)
    }
}
