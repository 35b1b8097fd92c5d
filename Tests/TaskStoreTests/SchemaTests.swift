import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

/// Databases that released versions have written, in `Databases`: `tasks-1.sqlite` is of the first migration.
@Suite("Databases of earlier versions")
struct SchemaTests {
    private static let databases = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Databases")

    /// The same video as the file has.
    private static let video = String(repeating: "a", count: 64)

    /// Opens a copy of a file.
    private func withStore(_ name: String, _ check: (SQLiteTaskStore) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/tasks.sqlite"
            try FileManager.default.copyItem(atPath: Self.databases.appending(path: name).path(), toPath: path)
            let store = try await SQLiteTaskStore.open(
                path: path,
                clock: SystemClock(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            try await check(store)
            try await store.close()
        }
    }

    @Test("Everything of the first version is found")
    func everything() async throws {
        try await withStore("tasks-1.sqlite") { store in
            let tasks = try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks
            #expect(tasks.reversed().map(\.status) == [.succeeded, .succeeded, .failed, .cancelled, .queued])
            #expect(tasks.reversed().map(\.isCached) == [false, true, false, false, false])
            #expect(
                tasks.reversed().map(\.generation.request.prompt) == ["done", "done", "failed", "cancelled", "waiting"])
            #expect(tasks.allSatisfy { $0.callback == nil && $0.generation.result?.expiredAt == nil })
            #expect(tasks.last?.generation.result?.video == Self.video)
            #expect(tasks.reversed()[2].generation.failure?.code == "out_of_memory")
            #expect(try await store.events(after: 0, limit: 100).count == 10)
            #expect(
                try await store.deliveries(matching: DeliveryQuery(tenant: .standard, limit: 10)).deliveries.isEmpty)
            #expect(try await store.nextDelivery() == nil)
        }
    }

    @Test("What the first version has stored works on")
    func working() async throws {
        try await withStore("tasks-1.sqlite") { store in
            let first = try #require(
                try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks.last
            )
            let key = NewTask.Idempotency(key: "key", fingerprint: "done")
            let replayed = try await store.submit(.fixture("done", idempotency: key), queueLimit: 10)
            #expect(replayed.disposition == .replayed)
            #expect(replayed.task == first)
            #expect(
                try await store.submit(.fixture("done", callback: .fixture()), queueLimit: 10).disposition == .cached)
            #expect(try await store.nextDelivery() != nil)
            let claimed = try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60)))
            #expect(claimed?.generation.request.prompt == "waiting")
            try await store.expire([Self.video])
            #expect(try await store.task(first.id, of: .standard)?.generation.result?.expiredAt != nil)
            #expect(try await store.submit(.fixture("done"), queueLimit: 10).disposition == .queued)
        }
    }

    @Test("What the first version has stored is removed when its time has come")
    func removal() async throws {
        try await withStore("tasks-1.sqlite") { store in
            try await store.expire([Self.video])
            let nothing = Retention(tasks: .zero, events: .zero, deliveries: .zero, idempotencyKeys: .zero)
            while try await store.purge(nothing, limit: 2) > 0 {}
            let left = try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks
            #expect(left.map(\.status) == [.queued])
            #expect(try await store.videos([Self.video]).isEmpty)
            #expect(try await store.events(after: 0, limit: 100).isEmpty)
        }
    }
}
