import Foundation
import Redis
import Tasks
import TasksRedis
import TestSupport
import Testing

@Suite("The task store of many processes")
struct RedisTaskStoreTests {
    private static let other = TenantID(rawValue: "other")

    @Test("No generation is claimed twice by many processes, and all are claimed")
    func claims() async throws {
        try await RedisStores.with(4) { stores in
            for index in 0..<60 {
                let tenant = TenantID(rawValue: "t\(index % 3)")
                try await stores.stores[index % 4].submit(.fixture("\(index)", tenant: tenant), queueLimit: 100)
            }
            let claimed = try await withThrowingTaskGroup(of: [GenerationID].self) { group in
                for (index, store) in stores.stores.enumerated() {
                    group.addTask {
                        var mine: [GenerationID] = []
                        let request = ClaimRequest(owner: WorkerID(rawValue: "\(index)"), duration: .seconds(30))
                        while try await store.heads().count > 0 {
                            guard let claimed = try await store.claim(request) else { continue }
                            mine.append(claimed.generation.id)
                        }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.count == 60)
            #expect(Set(claimed).count == 60)
        }
    }

    @Test("Every process has the same order, and takes turns among the tenants")
    func order() async throws {
        try await RedisStores.with(2) { stores in
            for key in ["a", "b", "c"] {
                try await stores.first.submit(.fixture(key, tenant: TenantID(rawValue: "one")), queueLimit: 100)
            }
            for key in ["x", "y"] { try await stores.second.submit(.fixture(key, tenant: Self.other), queueLimit: 100) }
            let request = ClaimRequest(owner: WorkerID(rawValue: "w"), duration: .seconds(30))
            var prompts: [String] = []
            for index in 0..<5 {
                let store = stores.stores[index % 2]
                try await stores.wait { try await store.heads().count == 5 - index }
                prompts.append(try #require(try await store.claim(request)).generation.request.prompt)
            }
            #expect(prompts == ["a", "x", "b", "y", "c"])
        }
    }

    @Test("A limit of what may wait holds for all processes together")
    func queueLimit() async throws {
        try await RedisStores.with(4) { stores in
            let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        do {
                            try await stores.stores[index % 4].submit(.fixture("\(index)"), queueLimit: 10)
                            return 1
                        } catch TaskStoreError.queueFull {
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(accepted == 10)
        }
    }

    @Test("No more of a tenant run than may, whichever processes claim")
    func runningLimit() async throws {
        try await RedisStores.with(3) { stores in
            var ids: [GenerationID] = []
            for index in 0..<12 {
                var task = try NewTask.fixture("\(index)")
                task.runningLimit = 4
                ids.append(try await stores.first.submit(task, queueLimit: 100).task.generation.id)
            }
            let running = try await withThrowingTaskGroup(of: Int.self) { group in
                for (index, id) in ids.enumerated() {
                    group.addTask {
                        let request = ClaimRequest(
                            owner: WorkerID(rawValue: "w"),
                            duration: .seconds(30),
                            generation: id
                        )
                        return try await stores.stores[index % 3].claim(request) == nil ? 0 : 1
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(running == 4)
        }
    }

    @Test("Equal requests that come to many processes at once share one generation")
    func singleFlight() async throws {
        try await RedisStores.with(4) { stores in
            let generations = try await withThrowingTaskGroup(of: GenerationID.self) { group in
                for index in 0..<24 {
                    group.addTask {
                        try await stores.stores[index % 4].submit(.fixture("same"), queueLimit: 100).task.generation.id
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(generations.count == 1)
            let claimed = try #require(
                try await stores.second.claim(
                    ClaimRequest(
                        owner: WorkerID(rawValue: "w"),
                        duration: .seconds(30),
                        generation: generations.first
                    )
                )
            )
            #expect(claimed.tasks.count == 24)
        }
    }

    @Test("A process that joins leaves others what they work on; who lost a lease changes nothing")
    func leases() async throws {
        try await RedisStores.with(2) { stores in
            let id = try await stores.first.submit(.fixture("a"), queueLimit: 10).task.id
            let request = ClaimRequest(owner: WorkerID(rawValue: "one"), duration: .seconds(10))
            let lost = try #require(try await stores.first.claim(request))
            let late = try await RedisTaskStore.open(
                client: stores.clients[1],
                settings: stores.settings,
                clock: stores.clock,
                logger: .quiet
            )
            #expect(try await late.heads().count == 0)
            _ = try await stores.first.renew(lost.lease, for: .seconds(10), progress: nil)
            stores.clock.advance(by: .seconds(11))
            #expect(try await late.reap(RetryPolicy(baseDelay: .zero)).requeued == 1)
            let again = ClaimRequest(owner: WorkerID(rawValue: "two"), duration: .seconds(10))
            let taken = try #require(try await late.claim(again))
            await #expect(throws: TaskStoreError.leaseLost) {
                try await stores.first.finish(lost.lease, with: .fixture(lost))
            }
            try await late.finish(taken.lease, with: .fixture(taken))
            #expect(try await stores.first.task(id, of: .standard)?.status == .succeeded)
            await late.close()
        }
    }

    @Test("A process that joins has the queue as the others have it, with what runs")
    func joining() async throws {
        try await RedisStores.with(1) { stores in
            for index in 0..<5 {
                var task = try NewTask.fixture("\(index)")
                (task.runningLimit, task.cost) = (2, Double(index))
                try await stores.first.submit(task, queueLimit: 10)
            }
            let request = ClaimRequest(owner: WorkerID(rawValue: "one"), duration: .seconds(10))
            _ = try #require(try await stores.first.claim(request))
            let late = try await RedisTaskStore.open(
                client: stores.clients[0],
                settings: stores.settings,
                clock: stores.clock,
                logger: .quiet
            )
            #expect(try await late.heads() == (try await stores.first.heads()))
            #expect(try await late.waiting(limit: 10) == (try await stores.first.waiting(limit: 10)))
            _ = try #require(try await late.claim(request))
            #expect(try await late.claim(request) == nil)
            await late.close()
        }
    }

    @Test("What one process does, those who watch at another are told")
    func signs() async throws {
        try await RedisStores.with(2) { stores in
            let task = try await stores.first.submit(.fixture("a", callback: .fixture()), queueLimit: 10).task
            let (changes, news) = (stores.second.changes(of: task.id), stores.second.news())
            let (deliveries, keys) = (stores.second.newDeliveries(), stores.second.keyChanges())
            let request = ClaimRequest(owner: WorkerID(rawValue: "one"), duration: .seconds(10))
            _ = try #require(try await stores.first.claim(request))
            #expect(await changes.hasNext())
            _ = try await stores.first.cancel(task.id, of: .standard)
            #expect(await news.has(.abandoned(task.generation.id)))
            #expect(await deliveries.hasNext())
            let key = AccessKey(
                id: KeyID(rawValue: "key"),
                name: "key",
                tenant: .standard,
                scopes: [.read],
                createdAt: stores.clock.wallTime(),
                secrets: []
            )
            _ = try await stores.first.add(key, idempotency: nil, of: .standard, limit: 10)
            #expect(await keys.hasNext())
            #expect(try await stores.second.keys() == [key])
        }
    }

    @Test("Whoever missed entries of the log reads everything anew, and says that something was missed")
    func gap() async throws {
        try await RedisStores.with(2) { stores in
            try await stores.first.submit(.fixture("a"), queueLimit: 10)
            try await stores.wait { try await stores.second.heads().count == 1 }
            let news = stores.second.news()
            // As if it had been trimmed: an entry that follows none that is known.
            let lost = RedisCommand("SET", stores.key("lt"), "another")
            _ = try await stores.clients[0].send(lost)
            try await stores.first.submit(.fixture("b"), queueLimit: 10)
            #expect(await news.has(.missed))
            try await stores.wait { try await stores.second.heads().count == 2 }
            try await stores.second.submit(.fixture("c"), queueLimit: 10)
            #expect(try await stores.second.heads().count == 3)
        }
    }

    @Test("What is not a record is a reason to refuse, not to end")
    func garbage() async throws {
        try await RedisStores.with(1) { stores in
            let id = try await stores.first.submit(.fixture("a"), queueLimit: 10).task.id
            let name = Array(stores.key("t:").utf8) + Array(id.bytes)
            var random = SeededGenerator(seed: 7)
            guard case .bulk(let whole) = try await stores.clients[0].send(RedisCommand("GET", name)) else {
                Issue.record("no record")
                return
            }
            var wrong: [[UInt8]] = [[], [1], [9] + whole.dropFirst()]
            // Not where its only event begins: without it, it is a record as well.
            for length in 0..<whole.count where length % 7 == 0 && length != whole.count - 17 {
                wrong.append(Array(whole.prefix(length)))
            }
            for _ in 0..<50 { wrong.append(whole.map { _ in UInt8.random(in: 0...255, using: &random) }) }
            for bytes in wrong {
                _ = try await stores.clients[0].send(RedisCommand("SET", name, bytes))
                await #expect(throws: TaskStoreError.self) { try await stores.first.task(id, of: .standard) }
                await #expect(throws: TaskStoreError.self) { try await stores.first.cancel(id, of: .standard) }
            }
            _ = try await stores.clients[0].send(RedisCommand("SET", name, whole))
            #expect(try await stores.first.task(id, of: .standard)?.status == .queued)
        }
    }

    @Test("A record of a newer version is left alone, and said to be one")
    func newerVersion() async throws {
        try await RedisStores.with(1) { stores in
            let id = try await stores.first.submit(.fixture("a"), queueLimit: 10).task.id
            let name = Array(stores.key("t:").utf8) + Array(id.bytes)
            _ = try await stores.clients[0].send(RedisCommand("SETRANGE", name, "0", [2] as [UInt8]))
            do {
                _ = try await stores.first.task(id, of: .standard)
                Issue.record("it was read")
            } catch TaskStoreError.unavailable(let reason) {
                #expect(reason.contains("version 2"))
            }
        }
    }
}

extension RedisStores {
    /// Waits until something is so, not for ever.
    func wait(until isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !isSo() {
            guard ContinuousClock.now < deadline else {
                Issue.record("it has not become so")
                return
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension AsyncStream where Element: Sendable {
    /// Whether an element comes that fits, within some seconds.
    fileprivate func first(where fits: @escaping @Sendable (Element) -> Bool) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await element in self where fits(element) { return true }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(20))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }
}

extension AsyncStream<Void> {
    fileprivate func hasNext() async -> Bool { await first { true } }
}

extension AsyncStream<StoreNews> {
    fileprivate func has(_ wanted: StoreNews) async -> Bool { await first { $0 == wanted } }
}
