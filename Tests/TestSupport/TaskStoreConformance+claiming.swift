import Tasks
import Testing

extension TaskStoreConformance {
    static let claiming: [TaskStoreConformance] = [
        TaskStoreConformance(name: "Claims follow priority, then age") { world in
            try await world.submit("old")
            try await world.submit("new")
            try await world.submit("urgent", priority: 5)
            var order: [String] = []
            while let claimed = try await world.claim() { order.append(claimed.generation.key.rawValue) }
            #expect(order == ["urgent", "old", "new"])
        },
        TaskStoreConformance(name: "A claim makes every waiting task run") { world in
            let first = try await world.submit("a").task
            let second = try await world.submit("a").task
            let claimed = try #require(try await world.claim())
            #expect(claimed.generation.attempts == 1)
            #expect(claimed.generation.startedAt == world.clock.wallTime())
            for id in [first.id, second.id] {
                let task = try #require(try await world.store.task(id, of: .standard))
                #expect(task.status == .running)
                #expect(task.generation == claimed.generation)
                #expect(try await world.events(of: id) == [.queued, .running])
            }
        },
        TaskStoreConformance(name: "No generation is claimed twice by many claimers") { world in
            for index in 0..<40 { try await world.submit("\(index)") }
            let claimed = try await withThrowingTaskGroup(of: [GenerationID].self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var mine: [GenerationID] = []
                        while let claimed = try await world.claim("\(worker)") { mine.append(claimed.generation.id) }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.count == 40)
            #expect(Set(claimed).count == 40)
        },
        TaskStoreConformance(name: "A delayed generation is not claimed early") { world in
            try await world.submit("a")
            let claimed = try #require(try await world.claim())
            try await world.store.requeue(
                claimed.lease,
                Requeue(delay: .seconds(10), countsAsFailure: true, failure: nil)
            )
            #expect(try await world.claim() == nil)
            let start = world.clock.wallTime().advanced(by: .seconds(10))
            let waiting = try await world.store.heads()
            #expect(
                waiting == QueueHeads(heads: [], count: 1, cost: 1, nextDelayed: start, countByPriority: [0: 1])
            )
            #expect(try await world.claim(claimed.generation.id) == nil)
            world.clock.advance(by: .seconds(10))
            #expect(try await world.claim() != nil)
            #expect(try await world.store.heads() == QueueHeads(heads: [], count: 0, cost: 0, nextDelayed: nil))
        },
        TaskStoreConformance(name: "A renewal moves the deadline and shows progress") { world in
            let id = try await world.submit("a").task.id
            let claimed = try #require(try await world.claim(for: .seconds(30)))
            world.clock.advance(by: .seconds(20))
            let progress = GenerationProgress(stage: .denoise, step: 3, totalSteps: 20)
            let renewed = try await world.store.renew(claimed.lease, for: .seconds(30), progress: progress)
            #expect(renewed.deadline == world.clock.wallTime().advanced(by: .seconds(30)))
            #expect(try await world.store.task(id, of: .standard)?.generation.progress == progress)
            world.clock.advance(by: .seconds(20))
            #expect(try await world.store.reap(RetryPolicy()).count == 0)
            _ = try await world.store.renew(renewed, for: .seconds(30), progress: nil)
            #expect(try await world.store.task(id, of: .standard)?.generation.progress == progress)
        },
        TaskStoreConformance(name: "An expired lease is claimable once, and its owner is shut out") { world in
            let id = try await world.submit("a").task.id
            let stale = try #require(try await world.claim("first", for: .seconds(30)))
            world.clock.advance(by: .seconds(31))
            #expect(try await world.store.reap(RetryPolicy(baseDelay: .zero)).count == 1)
            #expect(try await world.store.reap(RetryPolicy(baseDelay: .zero)).count == 0)
            #expect(try await world.status(id) == .queued)
            let fresh = try #require(try await world.claim("second"))
            #expect(try await world.claim("third") == nil)
            #expect(fresh.generation.attempts == 2)
            #expect(fresh.generation.failures == 1)
            #expect(fresh.lease.fence > stale.lease.fence)
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.renew(stale.lease, for: .seconds(30), progress: nil)
            }
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.finish(stale.lease, with: .fixture(stale))
            }
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.requeue(
                    stale.lease,
                    Requeue(delay: .zero, countsAsFailure: false, failure: nil)
                )
            }
            #expect(try await world.status(id) == .running)
            try await world.store.finish(fresh.lease, with: .fixture(fresh))
            #expect(try await world.status(id) == .succeeded)
        },
        TaskStoreConformance(name: "A worker cannot use its own older lease") { world in
            try await world.submit("a")
            let old = try #require(try await world.claim("same"))
            try await world.store.requeue(old.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            _ = try #require(try await world.claim("same"))
            await #expect(throws: TaskStoreError.leaseLost) {
                try await world.store.finish(old.lease, with: .fixture(old))
            }
        },
        TaskStoreConformance(name: "A generation whose leases keep running out fails") { world in
            let id = try await world.submit("a").task.id
            let policy = RetryPolicy(maxFailures: 2, baseDelay: .zero)
            for _ in 0..<2 {
                _ = try #require(try await world.claim(for: .seconds(1)))
                world.clock.advance(by: .seconds(2))
                #expect(try await world.store.reap(policy).count == 1)
            }
            let task = try #require(try await world.store.task(id, of: .standard))
            #expect(task.status == .failed)
            #expect(task.generation.failure?.code == "lease_expired")
            #expect(try await world.claim() == nil)
        },
    ]
}
