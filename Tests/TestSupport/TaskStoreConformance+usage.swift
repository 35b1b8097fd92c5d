import Tasks
import Testing

extension TaskStoreConformance {
    private static let one = TenantID(rawValue: "one")
    private static let two = TenantID(rawValue: "two")

    static let usage: [TaskStoreConformance] = [
        .init(name: "What tenants have under way is told by tenant, and who has nothing is left out") { world in
            #expect(try await world.store.usage().isEmpty)
            try await world.submit("a", tenant: one)
            try await world.submit("a", tenant: two)
            try await world.submit("b", tenant: two)
            let done = try await world.submit("c", tenant: TenantID(rawValue: "three")).task
            let failed = try #require(try await world.claim(done.generation.id))
            try await world.store.finish(failed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            _ = try await world.claim()
            let usage = try await world.store.usage()
            #expect(
                usage == [
                    TenantUsage(tenant: one, running: 1), TenantUsage(tenant: two, waiting: 1, running: 1),
                ]
            )
        },
        .init(name: "However an attempt ends, its time is its tenant's") { world in
            for key in ["finished", "failed", "requeued", "cancelled", "removed", "reaped"] {
                try await world.submit(key, tenant: one)
            }
            let finished = try await world.attempt(of: one, for: 1)
            try await world.store.finish(finished.lease, with: .fixture(finished))
            #expect(try await world.store.usage().first?.deviceSecondsToday == 1)
            let failed = try await world.attempt(of: one, for: 2)
            try await world.store.finish(failed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            #expect(try await world.store.usage().first?.deviceSecondsToday == 3)
            let requeued = try await world.attempt(of: one, for: 4)
            let later = Requeue(delay: .seconds(1000), countsAsFailure: false, failure: nil)
            try await world.store.requeue(requeued.lease, later)
            #expect(try await world.store.usage().first?.deviceSecondsToday == 7)
            _ = try await world.attempt(of: one, for: 8)
            _ = try await world.store.cancel(world.running(of: one), of: one)
            #expect(try await world.store.usage().first?.deviceSecondsToday == 15)
            _ = try await world.attempt(of: one, for: 16)
            _ = try await world.store.remove(world.running(of: one), of: one)
            #expect(try await world.store.usage().first?.deviceSecondsToday == 31)
            // A worker of which nothing is heard is thought to have worked until its lease ran out, and no longer.
            _ = try await world.attempt(of: one, for: 500)
            #expect(try await world.store.reap(RetryPolicy(baseDelay: .seconds(1000))).count == 1)
            #expect(try await world.store.usage().first?.deviceSecondsToday == 61)
        },
        .init(name: "A shared generation is charged to the tenant that asked first") { world in
            try await world.submit("a", tenant: one)
            try await world.submit("a", tenant: two)
            let claimed = try #require(try await world.claim())
            world.clock.advance(by: .seconds(5))
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            #expect(try await world.store.usage() == [TenantUsage(tenant: one, deviceSecondsToday: 5)])
        },
        .init(name: "A day of UTC has its own time, and an attempt counts in the one in which it ends") { world in
            try await world.submit("a", tenant: one)
            try await world.submit("b", tenant: one)
            let first = try #require(try await world.claim("worker", for: .seconds(100_000)))
            world.clock.advance(by: .seconds(86_399))
            try await world.store.finish(first.lease, with: .fixture(first))
            #expect(try await world.store.usage().first?.deviceSecondsToday == 86_399)
            let second = try #require(try await world.claim("worker", for: .seconds(100_000)))
            world.clock.advance(by: .seconds(1))
            #expect(try await world.store.usage() == [TenantUsage(tenant: one, running: 1)])
            world.clock.advance(by: .seconds(2))
            try await world.store.finish(second.lease, with: .fixture(second))
            #expect(try await world.store.usage().first?.deviceSecondsToday == 3)
        },
        .init(name: "What tenants have had outlives the store, and is forgotten after ninety days") { world in
            try await world.submit("a", tenant: one)
            let claimed = try #require(try await world.claim())
            world.clock.advance(by: .seconds(3))
            try await world.store.finish(claimed.lease, with: .fixture(claimed))
            var world = world
            if let reopen = world.reopen { world.store = try await reopen() }
            #expect(try await world.store.usage() == [TenantUsage(tenant: one, deviceSecondsToday: 3)])
            let forEver = Retention(tasks: nil, events: nil, deliveries: nil, idempotencyKeys: nil)
            world.clock.advance(by: .seconds(90 * 86_400))
            #expect(try await world.purgeAll(forEver) == 0)
            world.clock.advance(by: .seconds(86_400))
            #expect(try await world.purgeAll(forEver) == 1)
            #expect(try await world.purgeAll(forEver) == 0)
        },
        .init(name: "A server that was off has used no device meanwhile") { world in
            guard let reopen = world.reopen, !world.isShared else { return }
            try await world.submit("a", tenant: one)
            _ = try await world.claim("worker", for: .seconds(30))
            world.clock.advance(by: .seconds(40_000))
            let reopened = try await reopen()
            #expect(try await reopened.usage() == [TenantUsage(tenant: one, waiting: 1, deviceSecondsToday: 30)])
        },
    ]
}

extension TaskStoreWorld {
    /// Claims what is first, under a lease of thirty seconds, and lets time pass.
    fileprivate func attempt(of tenant: TenantID, for seconds: Int) async throws -> ClaimedGeneration {
        let claimed = try #require(try await claim("worker", for: .seconds(30)))
        #expect(claimed.generation.tenant == tenant)
        clock.advance(by: .seconds(seconds))
        return claimed
    }
}
