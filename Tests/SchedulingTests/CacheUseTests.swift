import Engine
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@Suite("Scheduling: what requests have to do with each other")
struct CacheUseTests {
    @Test("A thousand equal requests at once become one generation and a thousand videos")
    func thousand() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        try await SchedulerWorld.with([engine]) { world in
            let ids = try await withThrowingTaskGroup(of: TaskID.self) { group in
                for _ in 0..<1000 { group.addTask { try await world.submit("a cat").task.id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1000)
            engine.succeed()
            var videos: Set<String?> = []
            for id in ids {
                videos.insert(try await world.task(id, reaches: .succeeded).generation.result?.video)
            }
            #expect(videos.count == 1 && engine.commands.count == 1)
        }
    }

    @Test("Who avoids the cache gets a video of his own, and answers nobody")
    func off() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let shared = try await world.video(of: "a cat")
            for _ in 0..<2 {
                let own = try await world.submit("a cat", cache: .off)
                #expect(own.disposition == .queued)
                _ = try await world.task(own.task.id, reaches: .succeeded)
            }
            #expect(Set(engine.commands.map(\.seed)).count == 3)
            let next = try await world.submit("a cat")
            #expect(next.disposition == .cached && next.task.generation.result?.video == shared.hex)
        }
    }

    @Test("Who refreshes gets a new video, and that one answers from then on")
    func refresh() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            _ = try await world.video(of: "a cat")
            let fresh = try await world.submit("a cat", cache: .refresh)
            #expect(fresh.disposition == .queued)
            let made = try await world.task(fresh.task.id, reaches: .succeeded).generation.result?.video
            #expect(Set(engine.commands.map(\.seed)).count == 2)
            let next = try await world.submit("a cat")
            #expect(next.disposition == .cached && next.task.generation.result?.video == made)
        }
    }

    @Test("A seed that was given is kept, whatever the request has to do with the cache", arguments: CacheUse.allCases)
    func givenSeed(cache: CacheUse) async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let id = try await world.submit("a cat", seed: 9, cache: cache).task.id
            _ = try await world.task(id, reaches: .succeeded)
            #expect(engine.commands.map(\.seed) == [9])
        }
    }

    @Test("With a cache for each tenant, one's videos never answer another, and still answer himself")
    func perTenant() async throws {
        let engine = ScriptedEngine()
        var settings = SchedulingSettings.quick
        settings.isCachePerTenant = true
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let other = TenantID(rawValue: "other")
            let first = try await world.submit("a cat").task.id
            _ = try await world.task(first, reaches: .succeeded)
            #expect(try await world.submit("a cat", tenant: other).disposition == .queued)
            #expect(try await world.submit("a cat").disposition == .cached)
        }
    }

    @Test("An idempotency key stands for the cache use and the callback as well, not for the door it came by")
    func idempotency() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            let callback = Callback.fixture()
            let first = try await world.submit("a cat", key: "k", callback: callback)
            var moved = callback
            moved.origin = "http://elsewhere.example"
            let again = try await world.submit("a cat", key: "k", callback: moved)
            #expect(again.disposition == .replayed && again.task.id == first.task.id)
            var other = callback
            other.events = [.failed]
            for (cache, callback) in [(CacheUse.off, callback), (.refresh, callback), (.use, nil), (.use, other)] {
                let error = await #expect(throws: AdmissionError.self) {
                    try await world.submit("a cat", key: "k", cache: cache, callback: callback)
                }
                #expect(error == .store(.idempotencyConflict(first.task.id)))
            }
        }
    }

    @Test("The end of a task with a callback is a delivery, which can be sent again")
    func deliveries() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            let id = try await world.submit("a cat", callback: .fixture()).task.id
            _ = try await world.task(id, reaches: .succeeded)
            let query = DeliveryQuery(tenant: .standard, limit: 10)
            let delivery = try #require(try await world.scheduler.deliveries(matching: query).deliveries.first)
            #expect(delivery.event == .succeeded && delivery.id.task == id)
            #expect(try await world.scheduler.redeliver(delivery.id, of: .standard)?.id == delivery.id)
            #expect(try await world.scheduler.redeliver(delivery.id, of: TenantID(rawValue: "x")) == nil)
        }
    }
}
