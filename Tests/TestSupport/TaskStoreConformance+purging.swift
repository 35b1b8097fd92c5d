import Tasks
import Testing

extension TaskStoreConformance {
    private static let hour = Retention(
        tasks: .seconds(3600),
        events: .seconds(3600),
        deliveries: .seconds(3600),
        idempotencyKeys: .seconds(3600)
    )

    static let purging: [TaskStoreConformance] = [
        TaskStoreConformance(name: "A task is removed when it has been over for long enough") { world in
            let id = try await world.submit("a").task.id
            world.clock.advance(by: .seconds(1800))
            try await world.make()
            world.clock.advance(by: .seconds(3599))
            _ = try await world.purgeAll(hour)
            #expect(try await world.status(id) == .succeeded)
            world.clock.advance(by: .seconds(1))
            #expect(try await world.purgeAll(hour) > 0)
            #expect(try await world.status(id) == nil)
            #expect(try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks.isEmpty)
            #expect(try await world.events(of: id).isEmpty)
            #expect(try await world.purgeAll(hour) == 0)
        },
        TaskStoreConformance(name: "What waits or runs is not removed, however old") { world in
            let running = try await world.submit("running").task.id
            let claimed = try #require(try await world.claim(for: .seconds(1_000_000)))
            let waiting = try await world.submit("waiting").task.id
            world.clock.advance(by: .seconds(500_000))
            _ = try await world.purgeAll(hour)
            #expect(try await world.status(running) == .running)
            #expect(try await world.status(waiting) == .queued)
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            #expect(try await world.status(running) == .succeeded)
        },
        TaskStoreConformance(name: "An answer outlives its tasks, until its video is let go") { world in
            let first = try await world.submit("a").task
            try await world.make()
            world.clock.advance(by: .seconds(4000))
            _ = try await world.purgeAll(hour)
            let cached = try await world.submit("a")
            #expect(cached.disposition == .cached)
            #expect(cached.task.generation.id == first.generation.id)
            world.clock.advance(by: .seconds(4000))
            _ = try await world.purgeAll(hour)
            try await world.store.expire([GenerationResult.fixture.video])
            #expect(try await world.store.videos([GenerationResult.fixture.video]).isEmpty == false)
            #expect(try await world.purgeAll(hour) == 1)
            #expect(try await world.store.videos([GenerationResult.fixture.video]).isEmpty)
            #expect(try await world.submit("a").disposition == .queued)
        },
        TaskStoreConformance(name: "A generation is removed with the last of its tasks") { world in
            try await world.submit("failed")
            let failed = try #require(try await world.claim())
            try await world.store.finish(failed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            try await world.submit("alone", cache: .off)
            try await world.make("alone")
            world.clock.advance(by: .seconds(1800))
            let late = try await world.submit("shared").task.id
            let early = try await world.submit("shared").task.id
            _ = try await world.store.cancel(early, of: .standard)
            world.clock.advance(by: .seconds(1800))
            try await world.make("shared")
            _ = try await world.purgeAll(hour)
            #expect(try await world.store.videos(["alone", "shared"]).keys.sorted() == ["shared"])
            world.clock.advance(by: .seconds(1800))
            _ = try await world.purgeAll(hour)
            #expect(try await world.status(early) == nil)
            #expect(try await world.status(late) == .succeeded)
        },
        TaskStoreConformance(name: "A purge goes in batches, the first to end first") { world in
            var ids: [TaskID] = []
            for index in 0..<5 {
                ids.append(try await world.submit("\(index)").task.id)
                try await world.make()
                world.clock.advance(by: .seconds(1))
            }
            world.clock.advance(by: .seconds(4000))
            let tasksOnly = Retention(tasks: .seconds(3600), events: nil, deliveries: nil, idempotencyKeys: nil)
            _ = try await world.store.purge(tasksOnly, limit: 2)
            for (id, isThere) in zip(ids, [false, false, true, true, true]) {
                #expect(try await world.status(id) == (isThere ? .succeeded : nil))
            }
            #expect(try await world.purgeAll(tasksOnly) > 0)
            #expect(try await world.store.tasks(matching: TaskQuery(tenant: .standard, limit: 10)).tasks.isEmpty)
            #expect(try await world.store.events(after: 0, limit: 100).isEmpty)
        },
        TaskStoreConformance(name: "Events and idempotency keys have ages of their own") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).task
            world.clock.advance(by: .seconds(100))
            try await world.make()
            var retention = Retention(tasks: nil, events: .seconds(50), deliveries: nil, idempotencyKeys: nil)
            #expect(try await world.purgeAll(retention) == 1)
            #expect(try await world.events(of: first.id) == [.running, .succeeded])
            #expect(
                try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).disposition == .replayed
            )
            retention = Retention(tasks: nil, events: nil, deliveries: nil, idempotencyKeys: .seconds(100))
            #expect(try await world.purgeAll(retention) == 1)
            #expect(
                try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).disposition == .cached
            )
        },
        TaskStoreConformance(name: "Without an age nothing is removed") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let id = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).task.id
            try await world.make()
            world.clock.advance(by: .seconds(1_000_000_000))
            let forEver = Retention(tasks: nil, events: nil, deliveries: nil, idempotencyKeys: nil)
            #expect(try await world.purgeAll(forEver) == 0)
            #expect(try await world.status(id) == .succeeded)
            #expect(try await world.events(of: id).count == 3)
        },
        TaskStoreConformance(name: "A removed task takes its idempotency key along") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.store.submit(.fixture("a", idempotency: key), queueLimit: 10).task
            try await world.make()
            world.clock.advance(by: .seconds(4000))
            var retention = hour
            retention.idempotencyKeys = nil
            _ = try await world.purgeAll(retention)
            let other = NewTask.Idempotency(key: "k", fingerprint: "g")
            let second = try await world.store.submit(.fixture("b", idempotency: other), queueLimit: 10)
            #expect(second.disposition == .queued)
            #expect(second.task.id != first.id)
        },
    ]
}

extension TaskStoreWorld {
    /// Purges until nothing is left to remove.
    ///
    /// - Returns: rows removed.
    func purgeAll(_ retention: Retention) async throws -> Int {
        var removed = 0
        while true {
            let rows = try await store.purge(retention, limit: 3)
            removed += rows
            if rows == 0 { return removed }
        }
    }
}
