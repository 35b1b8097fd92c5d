import Tasks
import Testing

extension TaskStoreConformance {
    private static let one = TenantID(rawValue: "one")
    private static let two = TenantID(rawValue: "two")

    static let limits: [TaskStoreConformance] = [
        .init(name: "No more tasks of a tenant wait than may; what needs no place is taken") { world in
            let limits = AdmissionLimits(queue: 100, waitingTasks: 2)
            let full = TaskStoreError.tenantLimit(.waitingTasks(2))
            #expect(full.code == "waiting_limit" && full.isRetryable)
            try await world.submit("cached", tenant: two)
            try await world.make()
            try await world.submit("shared", tenant: two)
            try await world.submit("a", tenant: one, limits: limits)
            // One that joins what waits, waits.
            #expect(try await world.submit("shared", tenant: one, limits: limits).disposition == .joined)
            await #expect(throws: full) { try await world.submit("b", tenant: one, limits: limits) }
            await #expect(throws: full) { try await world.submit("shared", tenant: one, limits: limits) }
            #expect(try await world.submit("cached", tenant: one, limits: limits).disposition == .cached)
            // Another tenant has its own, and one without a limit has none.
            try await world.submit("c", tenant: two, limits: limits)
            try await world.submit("d", tenant: two)
            // One that joins what runs does not wait, and who runs waits no more.
            _ = try await world.claim()
            let running = try await world.store.tasks(matching: TaskQuery(tenant: one, status: .running, limit: 10))
            try #require(running.tasks.count == 1)
            let prompt = try #require(running.tasks.first).generation.request.prompt
            try await world.submit("b", tenant: one, limits: limits)
            #expect(try await world.submit(prompt, tenant: one, limits: limits).disposition == .joined)
            await #expect(throws: full) { try await world.submit("e", tenant: one, limits: limits) }
        },
        .init(name: "What ends or is cancelled makes room") { world in
            let limits = AdmissionLimits(queue: 100, waitingTasks: 1)
            let first = try await world.submit("a", tenant: one, limits: limits).task.id
            await #expect(throws: TaskStoreError.self) { try await world.submit("b", tenant: one, limits: limits) }
            _ = try await world.store.cancel(first, of: one)
            let second = try await world.submit("b", tenant: one, limits: limits).task.id
            _ = try await world.store.remove(second, of: one)
            try await world.submit("c", tenant: one, limits: limits)
        },
        .init(name: "No more device time of a day is asked for than may be") { world in
            let limits = AdmissionLimits(queue: 100, deviceSecondsPerDay: 100)
            world.clock.advance(by: .seconds(3600))
            let full = TaskStoreError.tenantLimit(.deviceSeconds(100, retryAfter: .seconds(82_800)))
            #expect(full.code == "device_seconds_limit" && full.isRetryable)
            _ = try await world.submit("a", cost: 60, tenant: one, limits)
            await #expect(throws: full) { try await world.submit("b", cost: 41, tenant: one, limits) }
            _ = try await world.submit("b", cost: 40, tenant: one, limits)
            await #expect(throws: full) { try await world.submit("c", cost: 1, tenant: one, limits) }
            // What joins costs nothing, and another tenant has its own.
            #expect(try await world.submit("a", cost: 60, tenant: one, limits).disposition == .joined)
            _ = try await world.submit("c", cost: 100, tenant: two, limits)
            // What runs counts as predicted until it is known.
            let claimed = try #require(try await world.claim("worker", for: .seconds(3600)))
            try #require(claimed.generation.request.prompt == "a")
            await #expect(throws: full) { try await world.submit("d", cost: 1, tenant: one, limits) }
            let later = Requeue(delay: .seconds(50), countsAsFailure: false, failure: nil)
            try await world.store.requeue(claimed.lease, later)
            // What is before its time counts as what waits.
            await #expect(throws: full) { try await world.submit("d", cost: 1, tenant: one, limits) }
            world.clock.advance(by: .seconds(50))
            let again = try #require(try await world.claim(claimed.generation.id))
            world.clock.advance(by: .seconds(10))
            try await world.store.finish(again.lease, with: .fixture(again))
            // Ten seconds were used, forty wait.
            let late = TaskStoreError.tenantLimit(.deviceSeconds(100, retryAfter: .seconds(82_740)))
            await #expect(throws: late) { try await world.submit("d", cost: 51, tenant: one, limits) }
            _ = try await world.submit("d", cost: 50, tenant: one, limits)
            #expect(try await world.submit("a", cost: 1000, tenant: one, limits).disposition == .cached)
            // The next day has a hundred of its own.
            world.clock.advance(by: .seconds(82_740))
            await #expect(throws: TaskStoreError.self) { try await world.submit("e", cost: 11, tenant: one, limits) }
            _ = try await world.submit("e", cost: 10, tenant: one, limits)
        },
        .init(name: "A refusal changes nothing") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let waiting = try await world.submit("a", tenant: one).task
            let before = try await world.store.tasks(matching: TaskQuery(tenant: nil, limit: 10))
            let events = try await world.store.events(after: 0, limit: 100)
            for limits in [
                AdmissionLimits(queue: 100, waitingTasks: 1), AdmissionLimits(queue: 100, deviceSecondsPerDay: 1.5),
            ] {
                await #expect(throws: TaskStoreError.self) {
                    try await world.submit("b", tenant: one, priority: 10, cache: .refresh, limits: limits) {
                        $0.idempotency = key
                        $0.runningLimit = 1
                    }
                }
            }
            #expect(try await world.store.tasks(matching: TaskQuery(tenant: nil, limit: 10)) == before)
            #expect(try await world.store.events(after: 0, limit: 100) == events)
            #expect(try await world.store.waiting(limit: 10).map(\.id) == [waiting.generation.id])
            // Nor was the idempotency key used up.
            let other = NewTask.Idempotency(key: "k", fingerprint: "g")
            try await world.submit("c", tenant: one) { $0.idempotency = other }
        },
    ]

    static let runningLimits: [TaskStoreConformance] = [
        .init(name: "Of a tenant with a limit no more runs, by whatever it is claimed; of others it does") { world in
            for key in ["a", "b"] { try await world.submit(key, tenant: one) { $0.runningLimit = 1 } }
            let first = try #require(try await world.claim())
            #expect(first.generation.request.prompt == "a")
            let waiting = try #require(
                try await world.store.tasks(matching: TaskQuery(tenant: one, status: .queued, limit: 1)).tasks.first
            )
            #expect(try await world.claim() == nil)
            #expect(try await world.claim(waiting.generation.id) == nil)
            #expect(try await world.store.heads().heads.isEmpty)
            #expect(try await world.store.heads().count == 1)
            #expect(try await world.waiting().isEmpty)
            try await world.submit("x", tenant: two)
            #expect(try await world.claim()?.generation.request.prompt == "x")
            try await world.store.finish(first.lease, with: .fixture(first))
            #expect(try await world.claim()?.generation.request.prompt == "b")
        },
        .init(name: "However the one that ran ends, the next may run") { world in
            for index in 0..<8 { try await world.submit("\(index)", tenant: one) { $0.runningLimit = 1 } }
            let finished = try await world.claimOnly()
            try await world.store.finish(finished.lease, with: .fixture(finished))
            let failed = try await world.claimOnly()
            try await world.store.finish(failed.lease, with: .failed(TaskFailure(code: "x", message: "")))
            let later = Requeue(delay: .seconds(10_000), countsAsFailure: false, failure: nil)
            try await world.store.requeue(try await world.claimOnly().lease, later)
            _ = try await world.claimOnly()
            _ = try await world.store.cancel(world.running(of: one), of: one)
            _ = try await world.claimOnly()
            _ = try await world.store.remove(world.running(of: one), of: one)
            _ = try await world.claimOnly()
            world.clock.advance(by: .seconds(31))
            #expect(try await world.store.reap(RetryPolicy(baseDelay: .seconds(10_000), jitter: 0)).count == 1)
            _ = try await world.claimOnly()
        },
        .init(name: "What was said last of how much may run counts, not what waited before") { world in
            for key in ["a", "b", "c", "d"] { try await world.submit(key, tenant: one) { $0.runningLimit = 1 } }
            let first = try #require(try await world.claim())
            #expect(try await world.claim() == nil)
            try await world.submit("e", tenant: one) { $0.runningLimit = 3 }
            _ = try #require(try await world.claim())
            // One that goes back says nothing new.
            try await world.store.requeue(first.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            for _ in 0..<2 { #expect(try await world.claim() != nil) }
            #expect(try await world.claim() == nil)
            try await world.submit("f", tenant: one)
            for _ in 0..<3 { #expect(try await world.claim() != nil) }
        },
        .init(name: "A limit outlives the store, with what ran") { world in
            guard let reopen = world.reopen, !world.isShared else { return }
            for key in ["a", "b"] { try await world.submit(key, tenant: one) { $0.runningLimit = 1 } }
            _ = try await world.claim()
            var reopened = world
            reopened.store = try await reopen()
            let first = try #require(try await reopened.claim())
            #expect(try await reopened.claim() == nil)
            try await reopened.store.finish(first.lease, with: .fixture(first))
            #expect(try await reopened.claim() != nil)
            // What was said last still is, though what ran comes back after it.
            try await reopened.submit("c", tenant: one) { $0.runningLimit = 2 }
            reopened.store = try await reopen()
            for _ in 0..<2 { #expect(try await reopened.claim() != nil) }
        },
        .init(name: "Who makes another tenant's lost video anew is not held by that tenant's limit") { world in
            try await world.submit("a", tenant: one) { $0.runningLimit = 1 }
            try await world.make()
            let cached = try await world.submit("a", tenant: two).task
            try await world.submit("b", tenant: two)
            _ = try await world.store.remake(cached.id, of: two)
            for _ in 0..<2 { #expect(try await world.claim() != nil) }
        },
    ]
}

extension TaskStoreWorld {
    /// Submits with a predicted cost.
    @discardableResult
    fileprivate func submit(
        _ key: String,
        cost: Double,
        tenant: TenantID,
        _ limits: AdmissionLimits
    ) async throws -> Submission {
        try await submit(key, tenant: tenant, limits: limits) { $0.cost = cost }
    }

    /// The only task of a tenant that runs.
    func running(of tenant: TenantID) async throws -> TaskID {
        let page = try await store.tasks(matching: TaskQuery(tenant: tenant, status: .running, limit: 2))
        try #require(page.tasks.count == 1)
        return try #require(page.tasks.first).id
    }

    /// Claims what is first, when nothing more may be claimed after it.
    fileprivate func claimOnly() async throws -> ClaimedGeneration {
        let claimed = try #require(try await claim())
        #expect(try await claim() == nil)
        return claimed
    }
}
