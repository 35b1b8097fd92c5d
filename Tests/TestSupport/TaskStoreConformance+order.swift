import Tasks
import Testing

extension TaskStoreConformance {
    private static let one = TenantID(rawValue: "one")
    private static let two = TenantID(rawValue: "two")

    static let order: [TaskStoreConformance] = [
        .init(name: "Tenants take turns, whoever came first and with however much") { world in
            for key in ["a", "b", "c"] { try await world.submit(key, tenant: one) }
            world.clock.advance(by: .seconds(1))
            for key in ["x", "y"] { try await world.submit(key, tenant: two) }
            #expect(try await world.waiting() == ["a", "x", "b", "y", "c"])
            #expect(try await world.waiting(limit: 2) == ["a", "x"])
            var claims: [String] = []
            while let claimed = try await world.claim() { claims.append(claimed.generation.request.prompt) }
            #expect(claims == ["a", "x", "b", "y", "c"])
        },
        .init(name: "A tenant of twice the weight is served twice as often, by predicted cost") { world in
            for key in ["a", "b", "c", "d"] {
                try await world.submit(key, tenant: one) { ($0.weight, $0.cost) = (2, 10) }
            }
            for key in ["x", "y"] { try await world.submit(key, tenant: two) { $0.cost = 10 } }
            #expect(try await world.waiting() == ["a", "x", "b", "c", "y", "d"])
        },
        .init(name: "Heads are the first of each lane, with what placement wants to know") { world in
            try await world.submit("a") { ($0.memoryBytes, $0.cost) = (1 << 30, 7) }
            try await world.submit("b") { $0.memoryBytes = 1 << 30 }
            try await world.submit("c") { $0.model = "other" }
            let queue = try await world.store.heads()
            #expect(queue.count == 3)
            #expect(queue.cost == 9)
            #expect(queue.nextDelayed == nil)
            let first = try #require(queue.heads.first)
            #expect(queue.heads.map(\.lane) == [first.lane, Lane(model: "other")])
            let request = try VideoRequest.fixture("a")
            #expect(
                first
                    == WaitingGeneration(
                        id: first.id,
                        tenant: .standard,
                        lane: Lane(model: "fixture", memoryBytes: 1 << 30),
                        cost: 7,
                        work: request.work(model: "fixture"),
                        batchKey: request.batchKey(model: "fixture"),
                        since: world.clock.wallTime()
                    )
            )
        },
        .init(name: "Any generation that waits can be claimed by its id, once") { world in
            try await world.submit("a")
            let second = try await world.submit("b").task.generation.id
            #expect(try await world.claim(second)?.generation.request.prompt == "b")
            #expect(try await world.claim(second) == nil)
            #expect(try await world.claim(GenerationID(rawValue: 999)) == nil)
            #expect(try await world.waiting() == ["a"])
        },
        .init(name: "The plan of a claim is carried out and kept") { world in
            let id = try await world.submit("a").task.generation.id
            let plan = AttemptPlan(steps: 20)
            let claimed = try #require(try await world.claim(id, plan: plan))
            #expect(claimed.generation.plan == plan)
            let requeue = Requeue(delay: .zero, countsAsFailure: false, failure: nil, memoryBytes: 5)
            try await world.store.requeue(claimed.lease, requeue)
            let waiting = try #require(try await world.store.heads().heads.first)
            #expect(waiting.plan == plan)
            #expect(waiting.work.steps == 20)
            #expect(waiting.hasStarted)
            #expect(waiting.lane.memoryBytes == 5)
            #expect(try await world.claim()?.generation.plan == plan)
        },
        .init(name: "Companions may share a pass; who began, has a plan or wants to be alone may not") { world in
            let first = try await world.submit("a").task.generation.id
            for key in ["b", "c"] { try await world.submit(key) }
            try await world.submit("alone") { $0.isDeterministic = true }
            let begun = try await world.submit("begun").task.generation.id
            let claimed = try #require(try await world.claim(begun))
            try await world.store.requeue(claimed.lease, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            let companions = try await world.store.companions(of: first, limit: 8)
            #expect(try await world.prompts(of: companions) == ["b", "c"])
            #expect(try await world.store.companions(of: first, limit: 1).count == 1)
            #expect(try await world.store.companions(of: begun, limit: 8).isEmpty)
            #expect(try await world.store.companions(of: GenerationID(rawValue: 999), limit: 8).isEmpty)
        },
        .init(name: "Who joins a generation that waits and wants to be alone makes it so") { world in
            let first = try await world.submit("a").task.generation
            let other = try await world.submit("b").task.generation.id
            #expect(!first.isDeterministic)
            #expect(try await world.store.companions(of: other, limit: 8).count == 1)
            let joined = try await world.submit("a") { $0.isDeterministic = true }
            #expect(joined.disposition == .joined)
            #expect(joined.task.generation.isDeterministic)
            #expect(try await world.store.companions(of: other, limit: 8).isEmpty)
        },
        .init(name: "What lies ahead of a submission is known before it is made") { world in
            for key in ["a", "b", "c"] { try await world.submit(key, tenant: one) { $0.cost = 10 } }
            try await world.submit("urgent", tenant: one, priority: 10) { $0.cost = 5 }
            let ahead = { (tenant: TenantID, priority: Int) in
                try await world.store.ahead(of: tenant, weight: 1, priority: priority)
            }
            #expect(try await ahead(one, 0) == 35)
            #expect(try await ahead(two, 0) == 15)
            #expect(try await ahead(two, 10) == 5)
            #expect(try await ahead(two, -10) == 35)
        },
        .init(name: "A cancelled generation waits no longer, and one in flight that is joined is raised") { world in
            let gone = try await world.submit("gone").task
            try await world.submit("a", tenant: one)
            try await world.submit("b", tenant: one, priority: -10)
            _ = try await world.store.cancel(gone.id, of: .standard)
            #expect(try await world.waiting() == ["a", "b"])
            try await world.submit("b", priority: 10)
            #expect(try await world.waiting() == ["b", "a"])
            #expect(try await world.store.heads().count == 2)
        },
        .init(name: "The order survives the store, and what was running comes back in its place") { world in
            guard let reopen = world.reopen, !world.isShared else { return }
            for key in ["a", "b"] { try await world.submit(key, tenant: one) }
            try await world.submit("x", tenant: two) { task in
                (task.cost, task.weight, task.memoryBytes, task.isDeterministic) = (3, 4, 5, true)
            }
            let before = try await world.store.waiting(limit: 10)
            let running = try #require(try await world.claim())
            var again = world
            again.store = try await reopen()
            let after = try await again.store.waiting(limit: 10)
            #expect(after.filter(\.hasStarted).map(\.id) == [running.generation.id])
            let unmarked = after.map { waiting in
                var waiting = waiting
                waiting.hasStarted = false
                return waiting
            }
            #expect(unmarked == before)
            #expect(try await again.store.heads().cost == 5)
        },
    ]
}
