import Tasks
import Testing

extension TaskStoreConformance {
    static let plans: [TaskStoreConformance] = [
        .init(name: "What the next attempt does otherwise is kept until it is said anew") { world in
            try await world.submit("a")
            let plan = AttemptPlan(
                memoryMode: .modelOffload8Bit,
                shape: VideoShape(width: 336, height: 192, numFrames: 25),
                steps: 20,
                stepCache: .balanced
            )
            let first = try #require(try await world.claim())
            #expect(first.generation.plan == AttemptPlan())
            try await world.store.requeue(
                first.lease,
                Requeue(delay: .zero, countsAsFailure: false, failure: nil, plan: plan)
            )
            let second = try #require(try await world.claim())
            #expect(second.generation.plan == plan)
            try await world.store.requeue(second.lease, Requeue(delay: .zero, countsAsFailure: true, failure: nil))
            let third = try #require(try await world.claim())
            #expect(third.generation.plan == plan)
            #expect(third.generation.failures == 1)
        },
        .init(name: "How a video was made is kept with it") { world in
            let id = try await world.submit("a").task.id
            let claimed = try #require(try await world.claim())
            var result = GenerationResult.fixture
            result.memoryMode = .sequentialOffload
            result.steps = 30
            result.stepCache = .fast
            let answers = claimed.generation.key
            try await world.store.finish(claimed.lease, with: .succeeded(result, model: "fixture", answers: answers))
            #expect(try await world.store.task(id, of: .standard)?.generation.result == result)
            #expect(try await world.submit("a").task.generation.result == result)
        },
        .init(name: "Who joins a generation makes it as urgent as itself, never less") { world in
            try await world.submit("a", priority: 0)
            let id = try await world.submit("b", priority: 0).task.id
            try await world.submit("b", priority: -10)
            #expect(try await world.store.task(id, of: .standard)?.generation.priority == 0)
            let joined = try await world.submit("b", priority: 10)
            #expect(joined.disposition == .joined)
            #expect(joined.task.generation.priority == 10)
            #expect(try await world.store.task(id, of: .standard)?.generation.priority == 10)
            #expect(try await world.claim()?.generation.request.prompt == "b")
        },
        .init(name: "Those generations are told apart that have not ended") { world in
            for key in ["a", "b", "c"] { try await world.submit(key) }
            let first = try #require(try await world.claim())
            try await world.store.finish(first.lease, with: .fixture(first))
            let second = try #require(try await world.claim())
            let ids = [
                first.generation.id, second.generation.id, GenerationID(rawValue: 3), GenerationID(rawValue: 99),
            ]
            #expect(try await world.store.unfinished(ids) == Set(ids[1...2]))
            #expect(try await world.store.unfinished([]).isEmpty)
        },
    ]
}
