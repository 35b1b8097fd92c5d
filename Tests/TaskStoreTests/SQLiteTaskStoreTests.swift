import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("The SQLite task store")
struct SQLiteTaskStoreTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func open(_ directory: String, clock: ManualClock = ManualClock()) async throws -> SQLiteTaskStore {
        try await SQLiteTaskStore.open(path: "\(directory)/tasks.sqlite", clock: clock, logger: logger)
    }

    private func new(_ key: String) throws -> NewTask {
        NewTask(
            id: TaskIDSource(clock: SystemClock()).next(),
            tenant: .standard,
            key: GenerationKey(rawValue: key),
            request: try .fixture(key),
            seed: 1,
            model: "fixture"
        )
    }

    @Test("A second store on the same file refuses to open")
    func secondOwner() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await open(directory)
            await #expect(throws: SQLiteTaskStoreOpenError.inUse(path: "\(directory)/tasks.sqlite.lock")) {
                try await open(directory)
            }
            try await store.close()
            try await open(directory).close()
        }
    }

    @Test("The files of a database are their owner's alone, also those of one that others could read before")
    func rights() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/tasks.sqlite"
            #expect(FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o644]))
            let store = try await open(directory)
            _ = try await store.submit(new("a"), queueLimit: 10)
            for file in [path, path + "-wal", path + "-shm", path + ".lock"] {
                let rights = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(rights == 0o600, "\(file)")
            }
            try await store.close()
        }
    }

    @Test("What a previous process was working on goes back without blame")
    func orphans() async throws {
        try await withTemporaryDirectory { directory in
            let clock = ManualClock()
            let store = try await open(directory, clock: clock)
            let id = try await store.submit(new("a"), queueLimit: 10).task.id
            let claimed = try #require(
                try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(3600)))
            )
            try await store.close()

            let next = try await open(directory, clock: clock)
            let task = try #require(try await next.task(id, of: .standard))
            #expect(task.status == .queued)
            #expect(task.generation.attempts == 1)
            #expect(task.generation.failures == 0)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await next.finish(claimed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            }
            #expect(try await next.claim(ClaimRequest(owner: .unique(), duration: .seconds(1))) != nil)
            try await next.close()
        }
    }

    @Test("A file that is no database is refused and left alone")
    func garbage() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/tasks.sqlite"
            let garbage = Data(repeating: 0x5A, count: 8192)
            try garbage.write(to: URL(fileURLWithPath: path))
            await #expect(throws: SQLiteTaskStoreOpenError.self) { try await open(directory) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == garbage)
        }
    }

    @Test("One write that the database refuses does not take the others with it")
    func oneBadWrite() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await open(directory)
            let twice = try new("twice")
            _ = try await store.submit(twice, queueLimit: 100)
            let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<20 {
                    let task = index == 10 ? twice : try new("\(index)")
                    group.addTask {
                        do throws(TaskStoreError) {
                            _ = try await store.submit(task, queueLimit: 100)
                            return true
                        } catch {
                            #expect(error.code == "store_unavailable")
                            return false
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 } == 19)
            #expect(try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 100)).tasks.count == 20)
            try await store.close()
        }
    }

    @Test(
        "A full disk is an error of the write, and the store works again when there is room",
        .enabled(if: SmallDisk.isAvailable, "mounting a small file system needs root")
    )
    func fullDisk() async throws {
        try await SmallDisk.with(bytes: 4 << 20) { directory in
            let store = try await open(directory)
            let before = try await store.submit(new("before"), queueLimit: 100_000).task
            let filler = try SmallDisk.fill(directory)
            var refused: TaskStoreError?
            for index in 0..<5000 where refused == nil {
                let task = try new("\(index)")
                do throws(TaskStoreError) {
                    _ = try await store.submit(task, queueLimit: 100_000)
                } catch {
                    refused = error
                }
            }
            #expect(refused?.code == "store_unavailable")
            #expect(refused?.isRetryable == true)
            #expect(try await store.task(before.id, of: .standard) == before)
            unlink(filler)
            #expect(try await store.submit(new("after"), queueLimit: 100_000).disposition == .queued)
            try await store.close()
        }
    }

    @Test("More writes than may wait are refused as overload, and none is lost or done twice")
    func overload() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await SQLiteTaskStore.open(
                path: "\(directory)/tasks.sqlite",
                settings: SQLiteTaskStoreSettings(waitingWrites: 4, writesPerCommit: 2),
                clock: ManualClock(),
                logger: logger
            )
            let accepted = try await withThrowingTaskGroup(of: TaskID?.self) { group in
                for index in 0..<200 {
                    let task = try new("\(index)")
                    group.addTask {
                        do throws(TaskStoreError) {
                            return try await store.submit(task, queueLimit: 1000).task.id
                        } catch {
                            #expect(error == .overloaded)
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: Set<TaskID>()) { if let id = $1 { $0.insert(id) } }
            }
            let stored = try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 1000)).tasks
            #expect(Set(stored.map(\.id)) == accepted)
            try await store.close()
        }
    }
}
