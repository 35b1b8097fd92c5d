import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

/// Databases of earlier versions, in `Databases`.
///
/// `tasks-1.sqlite` was written by a version with the first migration. `tasks-2.sqlite` has the tables of the first two,
/// made with their SQL; its rows are those that such a version writes.
@Suite("Databases of earlier versions")
struct SchemaTests {
    private static let databases = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Databases")

    /// The same video as the files have.
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

    // MARK: The second version

    @Test("Everything of the second version is found, with nothing new about it")
    func everythingOfSecond() async throws {
        try await withStore("tasks-2.sqlite") { store in
            let tasks = try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks
            #expect(tasks.map(\.status) == [.queued, .succeeded])
            let (waiting, done) = (try #require(tasks.first), try #require(tasks.last))
            #expect(waiting.generation.request == (try .fixture("waiting")))
            #expect(waiting.generation.priority == 3)
            #expect(waiting.generation.attempts == 1 && waiting.generation.failures == 1)
            #expect(waiting.generation.failure == TaskFailure(code: "engine_crashed", message: "It ended."))
            #expect(waiting.callback == nil)
            #expect(done.generation.request == (try .fixture("done")))
            #expect(done.generation.result == .fixture)
            #expect(done.callback == .fixture())
            #expect(tasks.allSatisfy { $0.generation.plan == AttemptPlan() })
            #expect(
                try await store.events(after: 0, limit: 100).map(\.kind)
                    == [.queued, .running, .succeeded, .queued, .running, .requeued]
            )
            let unfinished = try await store.unfinished(tasks.map(\.generation.id))
            #expect(unfinished == [waiting.generation.id])
            #expect(try await store.nextPriority() == 3)
            #expect(try await store.uploads(matching: UploadQuery(tenant: .standard, limit: 10)).uploads.isEmpty)
        }
    }

    @Test("A delivery that the second version has left is made")
    func deliveryOfSecond() async throws {
        try await withStore("tasks-2.sqlite") { store in
            let claim = DeliveryClaim(limit: 10, receiverLimit: 1, underWay: [:], duration: .seconds(60))
            let claimed = try await store.claimDeliveries(claim)
            #expect(claimed.map(\.delivery.event) == [.succeeded])
            let delivery = try #require(claimed.first)
            #expect(delivery.delivery.attempts == 2)
            #expect(delivery.delivery.lastResponse == 503)
            #expect(delivery.task.generation.result == .fixture)
            try await store.conclude(delivery, with: .delivered(response: 204))
            #expect(try await store.nextDelivery() == nil)
        }
    }

    @Test("What the second version has stored works on, and so does what is new")
    func workingOfSecond() async throws {
        try await withStore("tasks-2.sqlite") { store in
            let key = NewTask.Idempotency(key: "key", fingerprint: "done")
            #expect(
                try await store.submit(.fixture("done", idempotency: key), queueLimit: 10).disposition == .replayed)
            #expect(try await store.submit(.fixture("done"), queueLimit: 10).disposition == .cached)
            #expect(try await store.submit(.fixture("waiting"), queueLimit: 10).disposition == .joined)

            let request = ClaimRequest(owner: .unique(), duration: .seconds(60))
            let first = try #require(try await store.claim(request))
            #expect(first.generation.request.prompt == "waiting")
            let plan = AttemptPlan(
                memoryMode: .modelOffload,
                shape: VideoShape(width: 336, height: 192, numFrames: 25)
            )
            try await store.requeue(
                first.lease,
                Requeue(delay: .zero, countsAsFailure: false, failure: nil, plan: plan)
            )
            let second = try #require(try await store.claim(request))
            #expect(second.generation.plan == plan)
            var result = GenerationResult.fixture
            result.memoryMode = .modelOffload
            try await store.finish(second.lease, with: .succeeded(result, model: "fixture", answersKey: false))
            let tasks = try await store.tasks(matching: TaskQuery(tenant: .standard, status: .succeeded, limit: 10))
            #expect(tasks.tasks.count(where: { $0.generation.result == result }) == 2)
        }
    }

    @Test("A store of the second version takes uploads and generations that need them")
    func uploadsOfSecond() async throws {
        try await withStore("tasks-2.sqlite") { store in
            let media = Media.fixture("a")
            let upload = try await store.add(media, of: .standard, lifetime: .seconds(600), quota: 100)
            #expect(try await store.upload(media.id, of: .standard) == upload)
            var task = try NewTask.fixture("new", priority: 10)
            task.request = try .fixture("new", bringing: "a")
            #expect(try await store.submit(task, queueLimit: 10).disposition == .queued)
            #expect(try await store.removeUpload(media.id, of: .standard))
            #expect(try await store.neededMedia(of: [media.id]) == [media.id])
            let claimed = try #require(
                try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60)))
            )
            #expect(claimed.generation.request.inputs == [.startImage: media.id])
            try await store.finish(claimed.lease, with: .succeeded(.fixture, model: "fixture", answersKey: true))
            #expect(try await store.neededMedia(of: [media.id]).isEmpty)
        }
    }
}
