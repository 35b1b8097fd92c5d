import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("The queue of the SQLite task store")
struct SQLiteQueueTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func open(
        _ directory: String,
        _ settings: SQLiteTaskStoreSettings = .init()
    ) async throws -> SQLiteTaskStore {
        try await SQLiteTaskStore.open(
            path: "\(directory)/tasks.sqlite",
            settings: settings,
            clock: ManualClock(),
            logger: logger
        )
    }

    private func claim(_ store: SQLiteTaskStore) async throws(TaskStoreError) -> ClaimedGeneration? {
        try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60)))
    }

    /// What waits by the memory of the store, and by the rows that another one reads.
    private func expectTrue(_ store: SQLiteTaskStore, in directory: String) async throws {
        let before = try await store.heads()
        let waiting = try await store.waiting(limit: .max)
        try await store.close()
        let again = try await open(directory)
        #expect(try await again.heads().count == before.count)
        #expect(try await again.heads().cost == before.cost)
        #expect(Set(try await again.waiting(limit: .max).map(\.id)) == Set(waiting.map(\.id)))
        var claims: Set<GenerationID> = []
        while let claimed = try await claim(again) { claims.insert(claimed.generation.id) }
        #expect(claims == Set(waiting.map(\.id)))
        try await again.close()
    }

    @Test("A write that the database refuses leaves the queue as it is, with the writes beside it")
    func rollback() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await open(directory)
            let twice = try NewTask.fixture("twice")
            _ = try await store.submit(twice, queueLimit: 100)
            for index in 0..<10 { _ = try await store.submit(.fixture("\(index)"), queueLimit: 100) }
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 10..<30 {
                    group.addTask {
                        try await store.submit(.fixture("\(index)"), queueLimit: 100).disposition == .queued ? 0 : 1
                    }
                    group.addTask { try await claim(store) == nil ? 1 : 0 }
                    group.addTask {
                        // The id is taken: the whole transaction is rolled back.
                        var other = twice
                        other.key = GenerationKey(rawValue: "other \(index)")
                        do throws(TaskStoreError) {
                            _ = try await store.submit(other, queueLimit: 100)
                            return 0
                        } catch {
                            return 1
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(refused >= 20)
            let running = try await store.tasks(matching: TaskQuery(tenant: .standard, status: .running, limit: 100))
            let queued = try await store.tasks(matching: TaskQuery(tenant: .standard, status: .queued, limit: 100))
            #expect(running.tasks.count + queued.tasks.count == 31)
            #expect(try await store.heads().count == queued.tasks.count)
            #expect(Set(try await store.waiting(limit: .max).map(\.id)) == Set(queued.tasks.map(\.generation.id)))
            for task in running.tasks { _ = try await store.cancel(task.id, of: .standard) }
            try await expectTrue(store, in: directory)
        }
    }

    @Test(
        "What a full disk does not let claim, finish or cancel waits and runs as before",
        .enabled(if: SmallDisk.isAvailable, "mounting a small file system needs root")
    )
    func fullDisk() async throws {
        try await SmallDisk.with(bytes: 4 << 20) { directory in
            let store = try await open(directory)
            for index in 0..<20 { _ = try await store.submit(.fixture("\(index)"), queueLimit: 100) }
            let running = try #require(try await claim(store))
            let filler = try SmallDisk.fill(directory)
            var isFull = false
            for index in 0..<5000 where !isFull {
                let task = try NewTask.fixture("filler \(index)", cache: .off)
                isFull = await refuses { () throws(TaskStoreError) in
                    _ = try await store.submit(task, queueLimit: 10_000)
                }
            }
            #expect(isFull)
            let before = try await store.waiting(limit: .max)
            for _ in 0..<20 {
                _ = await refuses { () throws(TaskStoreError) in _ = try await claim(store) }
                _ = await refuses { () throws(TaskStoreError) in
                    try await store.requeue(running.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
                }
            }
            unlink(filler)
            let queued = try await store.tasks(matching: TaskQuery(tenant: .standard, status: .queued, limit: 10_000))
            #expect(try await store.heads().count == queued.tasks.count)
            #expect(Set(try await store.waiting(limit: .max).map(\.id)) == Set(queued.tasks.map(\.generation.id)))
            #expect(before.count >= queued.tasks.count - 1)
            try await store.close()
        }
    }

    private func refuses(_ write: () async throws(TaskStoreError) -> Void) async -> Bool {
        do throws(TaskStoreError) {
            try await write()
            return false
        } catch {
            return true
        }
    }

    @Test("Many writers at once leave the queue and the rows alike", arguments: [1, 8, 256])
    func concurrency(writesPerCommit: Int) async throws {
        try await withTemporaryDirectory { directory in
            let store = try await open(directory, SQLiteTaskStoreSettings(writesPerCommit: writesPerCommit))
            try await withThrowingTaskGroup { group in
                for worker in 0..<6 {
                    group.addTask {
                        for index in 0..<15 {
                            let tenant = TenantID(rawValue: "\(worker % 3)")
                            let task = try NewTask.fixture("\(worker) \(index)", tenant: tenant)
                            let submitted = try await store.submit(task, queueLimit: 1000).task
                            if index % 5 == 0 { _ = try await store.cancel(submitted.id, of: tenant) }
                            guard index % 2 == 0, let claimed = try await claim(store) else { continue }
                            // It may have been cancelled meanwhile.
                            _ = await refuses { () throws(TaskStoreError) in
                                if index % 4 == 0 {
                                    try await store.finish(claimed.lease, with: .fixture(claimed))
                                } else {
                                    let again = Requeue(delay: .zero, countsAsFailure: false, failure: nil)
                                    try await store.requeue(claimed.lease, again)
                                }
                            }
                            _ = try await store.heads()
                            _ = try await store.companions(of: claimed.generation.id, limit: 4)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.heads().count > 0)
            try await expectTrue(store, in: directory)
        }
    }

    @Test("Waiting raises a generation above what came later with a higher priority")
    func aging() async throws {
        let clock = ManualClock()
        let settings = SQLiteTaskStoreSettings(aging: .seconds(60))
        let store = try await SQLiteTaskStore.inMemory(settings: settings, clock: clock, logger: logger)
        _ = try await store.submit(.fixture("patient", priority: -10), queueLimit: 10)
        clock.advance(by: .seconds(119))
        _ = try await store.submit(.fixture("urgent", priority: 10), queueLimit: 10)
        #expect(try await store.waiting(limit: 10).map(\.priority) == [10, -10])
        clock.advance(by: .seconds(1))
        #expect(try await store.waiting(limit: 10).map(\.priority) == [-10, 10])
        #expect(try await claim(store)?.generation.request.prompt == "patient")
        try await store.close()
    }
}
