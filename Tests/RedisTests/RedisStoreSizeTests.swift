import Foundation
import Redis
import Tasks
import TasksRedis
import TestSupport
import Testing

/// Times of operations by their names.
private struct Stopwatch {
    private(set) var times: [String: [Duration]] = [:]

    mutating func time<Value>(_ operation: String, _ body: () async throws -> Value) async rethrows -> Value {
        let started = ContinuousClock.now
        let value = try await body()
        times[operation, default: []].append(ContinuousClock.now - started)
        return value
    }

    func median(_ operation: String) -> Duration {
        let sorted = (times[operation] ?? []).sorted()
        return sorted.isEmpty ? .zero : sorted[sorted.count / 2]
    }
}

/// Finished tasks of a store, a few of which are known.
private struct FinishedTasks {
    var store: RedisTaskStore
    /// One of each generation; its tenant and its key.
    var known: [(id: TaskID, generation: GenerationID, tenant: TenantID, key: String)] = []

    static let tenants = (0..<10).map { TenantID(rawValue: "tenant-\($0)") }

    /// Makes videos and answers further tasks with them.
    static func load(_ count: Int, into store: RedisTaskStore) async throws -> FinishedTasks {
        let generations = min(5_000, count / 20)
        let loaders = 32
        return try await withThrowingTaskGroup(of: FinishedTasks.self) { group in
            for loader in 0..<loaders {
                group.addTask {
                    var tasks = FinishedTasks(store: store)
                    for index in stride(from: loader, to: generations, by: loaders) {
                        try await tasks.add(index, count: count / generations)
                    }
                    return tasks
                }
            }
            return try await group.reduce(into: FinishedTasks(store: store)) { $0.known += $1.known }
        }
    }

    /// One generation with its tasks, which have different tenants.
    private mutating func add(_ index: Int, count: Int) async throws {
        let (key, tenant) = ("loaded \(index)", Self.tenants[index % Self.tenants.count])
        let task = try await store.submit(.fixture(key, tenant: tenant), queueLimit: 1_000_000).task
        let request = ClaimRequest(
            owner: WorkerID(rawValue: "loader"),
            duration: .seconds(30),
            generation: task.generation.id
        )
        let claimed = try #require(try await store.claim(request))
        try await store.finish(
            claimed.lease, with: .succeeded(.numbered(index), model: "fixture", answers: task.generation.key))
        known.append((task.id, task.generation.id, tenant, key))
        for copy in 1..<count {
            let other = Self.tenants[(index + copy) % Self.tenants.count]
            let answered = try await store.submit(.fixture(key, tenant: other), queueLimit: 1_000_000)
            guard answered.disposition == .cached else {
                Issue.record("\(answered.disposition)")
                return
            }
        }
    }

    /// Everything that servers and workers ask for, once.
    func use(_ round: Int, _ watch: inout Stopwatch) async throws {
        let (key, sample) = ("round \(round)", known[round % known.count])
        let tenant = sample.tenant
        _ = try await watch.time("cached answer") {
            try await store.submit(.fixture(sample.key, tenant: tenant), queueLimit: 1_000)
        }
        let task = try await watch.time("submit") {
            try await store.submit(.fixture(key, tenant: tenant), queueLimit: 1_000).task
        }
        let cancelled = try await store.submit(.fixture("\(key), cancelled", tenant: tenant), queueLimit: 1_000).task
        _ = try await watch.time("cancel") { try await store.cancel(cancelled.id, of: tenant) }
        _ = try await watch.time("heads") { try await store.heads() }
        _ = try await watch.time("order") { try await store.waiting(limit: 10) }
        _ = try await watch.time("ahead") { try await store.ahead(of: tenant, weight: 1, priority: 0) }
        let claimed = try await watch.time("claim") {
            try await store.claim(
                ClaimRequest(
                    owner: WorkerID(rawValue: "worker"),
                    duration: .seconds(30),
                    generation: task.generation.id
                )
            )
        }
        let lease = try #require(claimed).lease
        _ = try await watch.time("renew") { try await store.renew(lease, for: .seconds(30), progress: nil) }
        try await watch.time("finish") {
            let result = GenerationResult.numbered(1_000_000 + round)
            try await store.finish(lease, with: .succeeded(result, model: "fixture", answers: task.generation.key))
        }
        _ = try await watch.time("poll") { try await store.task(sample.id, of: tenant) }
        _ = try await watch.time("events") { try await store.events(of: sample.id, of: tenant, after: 0, limit: 100) }
        _ = try await watch.time("page") { try await store.tasks(matching: TaskQuery(tenant: tenant, limit: 20)) }
        _ = try await watch.time("page from the middle") {
            try await store.tasks(matching: TaskQuery(tenant: nil, status: .succeeded, before: sample.id, limit: 20))
        }
        _ = try await watch.time("usage") { try await store.usage() }
        let video = GenerationResult.numbered(round % known.count).video
        _ = try await watch.time("owns") { try await store.owns(tenant, video: video) }
        _ = try await watch.time("videos") { try await store.videos([video]) }
        _ = try await watch.time("unfinished") { try await store.unfinished([sample.generation]) }
        _ = try await watch.time("reap") { try await store.reap(RetryPolicy()) }
        _ = try await watch.time("purge") { try await store.purge(Retention(), limit: 100) }
    }
}

extension GenerationResult {
    /// A video of its own.
    static func numbered(_ number: Int) -> GenerationResult {
        var result = GenerationResult.fixture
        let digits = String(number, radix: 16)
        result.video = String(repeating: "0", count: 64 - digits.count) + digits
        return result
    }
}

@Suite("The task store of many processes, with many finished tasks")
struct RedisStoreSizeTests {
    /// Enough that something that looks at all of them shows; `ANIMATO_STORE_TASKS` for the long version.
    private static let long = ProcessInfo.processInfo.environment["ANIMATO_STORE_TASKS"].flatMap { Int($0) }
    private static let (few, many) = (long == nil ? 300 : 1_000, max(long ?? 3_000, 1_000))
    private static let rounds = long == nil ? 31 : 41

    @Test("No operation is slower with many finished tasks than with few")
    func times() async throws {
        let server = try await RedisFixture()
        try await RedisStores.with(1, server: server) { small in
            try await RedisStores.with(1, server: server) { large in
                let fewTasks = try await FinishedTasks.load(Self.few, into: small.first)
                let before = try await Self.memory(small)
                let started = ContinuousClock.now
                let manyTasks = try await FinishedTasks.load(Self.many, into: large.first)
                let seconds = ContinuousClock.now - started
                let bytes = try await Self.memory(large) - before

                // In turn, so that whatever else the machine does, it does to both.
                var (fewWatch, manyWatch) = (Stopwatch(), Stopwatch())
                for round in 0..<Self.rounds {
                    try await fewTasks.use(round, &fewWatch)
                    try await manyTasks.use(round, &manyWatch)
                }
                for operation in fewWatch.times.keys.sorted() {
                    let (little, much) = (fewWatch.median(operation), manyWatch.median(operation))
                    #expect(much < little * 3 + .milliseconds(2), "\(operation): \(little), then \(much)")
                    if Self.long != nil { print("\(operation): \(little), then \(much), \(much / little) times") }
                }
                if Self.long != nil {
                    print("\(Self.many) tasks were loaded in \(seconds), \(bytes / Self.many) bytes each")
                }
            }
        }
    }

    /// Bytes that Redis has in use.
    private static func memory(_ stores: RedisStores) async throws -> Int {
        let reply = try await stores.clients[0].send(RedisCommand("INFO", "memory"))
        let lines = try #require(reply.text).split(whereSeparator: \.isNewline)
        let line = try #require(lines.first { $0.hasPrefix("used_memory:") })
        return try #require(Int(line.dropFirst("used_memory:".count)))
    }
}
