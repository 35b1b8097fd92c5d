import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

/// Databases of earlier versions, in `Databases`.
///
/// `tasks-1.sqlite` was written by a version with the first migration. `tasks-2.sqlite`, `tasks-3.sqlite` and
/// `tasks-4.sqlite` have the tables of the first two, three and four, made with their SQL; their rows are those that such
/// a version writes.
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
            #expect(tasks.allSatisfy { $0.trace == nil && $0.generation.trace == nil })
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
            #expect(try await store.heads().heads.map(\.priority) == [3])
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
            try await store.finish(second.lease, with: .succeeded(result, model: "fixture", answers: nil))
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
            let submission = try await store.submit(task, queueLimit: 10)
            #expect(submission.disposition == .queued)
            #expect(try await store.removeUpload(media.id, of: .standard))
            #expect(try await store.neededMedia(of: [media.id]) == [media.id])
            let claimed = try #require(
                try await store.claim(
                    ClaimRequest(owner: .unique(), duration: .seconds(60), generation: submission.task.generation.id)
                )
            )
            #expect(claimed.generation.request.inputs == [.startImage: media.id])
            try await store.finish(claimed.lease, with: .fixture(claimed))
            #expect(try await store.neededMedia(of: [media.id]).isEmpty)
        }
    }

    // MARK: The third version

    @Test("What waits in the third version is charged to the first tenant that asked for it")
    func queueOfThird() async throws {
        try await withStore("tasks-3.sqlite") { store in
            let queue = try await store.heads()
            #expect(queue.count == 3)
            #expect(queue.cost == 3)
            #expect(queue.nextDelayed == nil)
            let waiting = try await store.waiting(limit: 10)
            #expect(waiting.allSatisfy { $0.lane == Lane(model: "fixture") && $0.weight == 1 })
            #expect(Set(waiting.map(\.tenant.rawValue)) == ["one", "two"])
            let smaller = try #require(waiting.first { $0.tenant == TenantID(rawValue: "one") })
            let shape = VideoShape(width: 336, height: 192, numFrames: 25)
            #expect(smaller.plan == AttemptPlan(memoryMode: .sequentialOffload, shape: shape))
            #expect(smaller.work.shape == shape)
            #expect(smaller.degradation == DegradationFloor())
            #expect(smaller.hasStarted)
            #expect(waiting.map(\.hasStarted).count { $0 } == 2)
            #expect(waiting.first { !$0.hasStarted }?.priority == 10)
        }
    }

    @Test("What the third version has stored works on, and so does what is new")
    func workingOfThird() async throws {
        try await withStore("tasks-3.sqlite") { store in
            #expect(try await store.submit(.fixture("done"), queueLimit: 10).disposition == .cached)
            let done = try await store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks.last
            #expect(done?.generation.tenant == .standard)
            #expect(done?.generation.isDeterministic == false)
            #expect(done?.generation.result?.memoryMode == .full)
            #expect(done?.generation.result?.steps == nil)
            #expect(try await store.submit(.fixture("running"), queueLimit: 10).disposition == .joined)
            var claims: [String] = []
            while let claimed = try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60))) {
                claims.append(claimed.generation.request.prompt)
                try await store.finish(claimed.lease, with: .fixture(claimed))
            }
            #expect(Set(claims) == ["urgent", "smaller", "running"])
            let tasks = try await store.tasks(matching: TaskQuery(tenant: TenantID(rawValue: "two"), limit: 10)).tasks
            #expect(tasks.map(\.status) == [.succeeded, .succeeded, .succeeded])
        }
    }

    // MARK: The fourth version

    private static let (one, two) = (TenantID(rawValue: "one"), TenantID(rawValue: "two"))

    @Test("Everything of the fourth version is found, with nothing new about it")
    func everythingOfFourth() async throws {
        try await withStore("tasks-4.sqlite") { store in
            let tasks = try await store.tasks(matching: TaskQuery(tenant: nil, limit: 20)).tasks
            #expect(
                tasks.reversed().map(\.status) == [
                    .succeeded, .succeeded, .succeeded, .queued, .queued, .cancelled, .queued, .failed,
                ]
            )
            #expect(tasks.allSatisfy { $0.accessKey == nil && $0.remixedFrom == nil })
            let done = try #require(tasks.last)
            #expect(done.generation.result?.video == Self.video)
            #expect(try await store.owner(of: done.id) == .standard)
            #expect(try await store.owns(Self.one, video: Self.video))
            #expect(try await !store.owns(Self.two, video: Self.video))
            let reduced = tasks.reversed()[2].generation
            #expect(reduced.result?.steps == 40 && reduced.result?.stepCache == .balanced)
            #expect(reduced.request.degradation == DegradationFloor(minSteps: 30))
            let waiting = try await store.waiting(limit: 10)
            #expect(waiting.map(\.priority).sorted() == [0, 0, 10])
            #expect(waiting.allSatisfy { $0.runningLimit == nil })
            let lowered = try #require(waiting.first { $0.tenant == Self.one })
            #expect(lowered.plan == AttemptPlan(memoryMode: .modelOffload, steps: 40))
            #expect(lowered.weight == 2 && lowered.cost == 20.25 && lowered.lane.memoryBytes == 16_000_000_000)
            #expect(try await store.events(of: done.id, of: .standard, after: 0, limit: 10).count == 3)
            #expect(try await store.keys().isEmpty)
            #expect(
                try await store.usage() == [
                    TenantUsage(tenant: Self.one, waiting: 1),
                    TenantUsage(tenant: Self.two, waiting: 2, storageBytes: 10),
                ]
            )
        }
    }

    @Test("What the fourth version has stored works on, and so does what is new")
    func workingOfFourth() async throws {
        try await withStore("tasks-4.sqlite") { store in
            let key = NewTask.Idempotency(key: "key", fingerprint: "done")
            let replayed = try await store.submit(.fixture("done", idempotency: key), queueLimit: 10)
            #expect(replayed.disposition == .replayed)
            #expect(try await store.submit(.fixture("done"), queueLimit: 10).disposition == .cached)
            #expect(
                try await store.submit(.fixture("running", tenant: Self.one), queueLimit: 10).disposition == .joined)
            _ = try await store.remove(replayed.task.id, of: .standard)
            let again = try await store.submit(.fixture("done", idempotency: key), queueLimit: 10)
            #expect(again.disposition == .cached)
            let lowered = try #require(try await store.waiting(limit: 10).first { $0.tenant == Self.one })
            let tasks = try await store.tasks(matching: TaskQuery(tenant: Self.one, status: .queued, limit: 10)).tasks
            let task = try #require(tasks.first { $0.generation.id == lowered.id })
            #expect(try await store.setPriority(20, of: task.id, of: Self.one)?.generation.priority == 20)
            let claimed = try #require(try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60))))
            #expect(claimed.generation.id == lowered.id)
            try await store.finish(claimed.lease, with: .fixture(claimed))
            var limited = try NewTask.fixture("limited", tenant: Self.two)
            limited.runningLimit = 1
            _ = try await store.submit(limited, queueLimit: 10)
            #expect(try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60))) != nil)
            #expect(try await store.claim(ClaimRequest(owner: .unique(), duration: .seconds(60))) == nil)
            #expect(try await store.add(.fixture(), idempotency: nil, of: .standard, limit: 10).isNew)
            let nothing = Retention(tasks: .zero, events: .zero, deliveries: .zero, idempotencyKeys: .zero)
            while try await store.purge(nothing, limit: 2) > 0 {}
            let left = try await store.tasks(matching: TaskQuery(tenant: nil, limit: 20)).tasks
            #expect(left.allSatisfy { !$0.status.isTerminal })
        }
    }
}
