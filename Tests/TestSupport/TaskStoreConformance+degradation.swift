import Tasks
import Testing

extension TaskStoreConformance {
    private static let full = GenerationKey(rawValue: "full")
    private static let less = GenerationKey(rawValue: "less")
    private static let plan = AttemptPlan(shape: VideoShape(width: 336, height: 192, numFrames: 25), steps: 20)

    /// What was made with the plan.
    private static let reduced = {
        var result = GenerationResult.fixture
        (result.width, result.height, result.numFrames, result.steps) = (336, 192, 25, 20)
        result.video = "reduced"
        return result
    }()

    /// Makes the request that may be made with less, in full or with the plan.
    private static func make(_ world: TaskStoreWorld, isReduced: Bool) async throws -> Generation {
        let waiting = try #require(try await world.store.heads().heads.first)
        let claimed = try #require(try await world.claim(waiting.id, plan: isReduced ? plan : nil))
        let outcome = GenerationOutcome.succeeded(
            isReduced ? reduced : .fixture,
            model: "fixture",
            answers: isReduced ? less : full
        )
        try await world.store.finish(claimed.lease, with: outcome)
        return claimed.generation
    }

    static let degradation: [TaskStoreConformance] = [
        .init(name: "A request that may be made with less takes what is being made in full") { world in
            let first = try await world.submit("full").task
            let joined = try await world.submitFlexible()
            #expect(joined.disposition == .joined)
            #expect(joined.task.generation.id == first.generation.id)
            try await world.make()
            #expect(try await world.submitFlexible().disposition == .cached)
        },
        .init(name: "Equal requests that may be made with less share one generation") { world in
            let first = try await world.submitFlexible()
            #expect(first.disposition == .queued)
            #expect(first.task.generation.request.degradation == DegradationFloor(minSteps: 10))
            let second = try await world.submitFlexible()
            #expect(second.disposition == .joined)
            #expect(second.task.generation.id == first.task.generation.id)
            // Who wants it in full does not take what may become less.
            #expect(try await world.submit("full").disposition == .queued)
        },
        .init(name: "What was made in full answers requests for it, though less would have done") { world in
            let id = try await world.submitFlexible().task.id
            _ = try await make(world, isReduced: false)
            let later = try await world.submit("full").task
            #expect(later.isCached)
            #expect(later.generation.result == .fixture)
            #expect(later.generation.request == (try .fixture("full")))
            #expect(try await world.submitFlexible().disposition == .cached)
            let made = try #require(try await world.store.task(id, of: .standard))
            #expect(made.generation.request.degradation == DegradationFloor(minSteps: 10))
            #expect(made.generation.result == .fixture)
        },
        .init(name: "What was made with less answers no request for more, and those for just that") { world in
            let id = try await world.submitFlexible().task.id
            let made = try await make(world, isReduced: true)
            let task = try #require(try await world.store.task(id, of: .standard))
            #expect(task.status == .succeeded)
            #expect(task.generation.request == made.request)
            #expect(task.generation.result == reduced)
            #expect(try await world.submit("full").disposition == .queued)
            let equal = try await world.submitReduced()
            #expect(equal.disposition == .cached)
            #expect(equal.task.generation.result == reduced)
            #expect(equal.task.generation.request == made.request.reduced(by: plan))
            #expect(try await world.store.task(equal.task.id, of: .standard) == equal.task)
        },
        .init(name: "A request that may be made with less is not answered by the less that was made before") { world in
            let first = try await world.submitFlexible().task
            _ = try await make(world, isReduced: true)
            let second = try await world.submitFlexible()
            #expect(second.disposition == .queued)
            #expect(second.task.generation.id != first.generation.id)
        },
        .init(name: "What was made does not take the place of what answers already") { world in
            try await world.submitFlexible()
            let reduced = try await world.submitReduced().task
            _ = try await make(world, isReduced: true)
            #expect(try await world.submitReduced().task.generation.id == reduced.generation.id)
            try await world.make("other")
            #expect(try await world.submitReduced().task.generation.result?.video == "other")
        },
        .init(name: "What was made without the cache answers nothing, whatever it is") { world in
            try await world.submitFlexible { $0.cache = .off }
            _ = try await make(world, isReduced: true)
            #expect(try await world.submitReduced().disposition == .queued)
            try await world.submitFlexible { $0.cache = .off }
            #expect(try await world.submit("full").disposition == .queued)
        },
        .init(name: "A refresh of a request that may be made with less withdraws the full video") { world in
            try await world.submit("full")
            try await world.make()
            let refreshed = try await world.submitFlexible { $0.cache = .refresh }
            #expect(refreshed.disposition == .queued)
            #expect(try await world.submit("full").disposition == .queued)
            // What is being made anew in full is good enough.
            #expect(try await world.submitFlexible { $0.cache = .refresh }.disposition == .joined)
        },
        .init(name: "A full queue withdraws no full video for a refresh") { world in
            try await world.submit("full")
            try await world.make()
            var refresh = try NewTask.flexible()
            refresh.cache = .refresh
            await #expect(throws: TaskStoreError.queueFull(limit: 0)) {
                try await world.store.submit(refresh, queueLimit: 0)
            }
            #expect(try await world.submit("full").disposition == .cached)
        },
        .init(name: "An idempotency key finds the task again, though another key is answered") { world in
            let key = NewTask.Idempotency(key: "k", fingerprint: "f")
            let first = try await world.submitFlexible { $0.idempotency = key }
            _ = try await make(world, isReduced: true)
            let second = try await world.submitFlexible { $0.idempotency = key }
            #expect(second.disposition == .replayed)
            #expect(second.task.id == first.task.id)
            #expect(second.task.generation.result == reduced)
        },
        .init(name: "Less that has expired answers no more, in every task, until it is there again") { world in
            let id = try await world.submitFlexible().task.id
            _ = try await make(world, isReduced: true)
            let equal = try await world.submitReduced().task.id
            try await world.store.expire(["reduced"])
            for id in [id, equal] {
                #expect(try await world.store.task(id, of: .standard)?.generation.result?.expiredAt != nil)
            }
            try await world.store.restore(["reduced"])
            #expect(try await world.submitReduced().disposition == .cached)
            #expect(try await world.submit("full").disposition == .queued)
            try await world.store.expire(["reduced"])
            #expect(try await world.submitReduced().disposition == .queued)
        },
        .init(name: "Less that turns out to be gone is made again as just that") { world in
            try await world.submitFlexible()
            let made = try await make(world, isReduced: true)
            let equal = try await world.submitReduced().task
            let remade = try await world.store.remake(equal.id, of: .standard)
            #expect(remade.disposition == .queued)
            #expect(remade.task.generation.key == less)
            #expect(remade.task.generation.request == made.request.reduced(by: plan))
            #expect(remade.task.generation.plan == AttemptPlan())
            #expect(try await world.submitReduced().disposition == .joined)
        },
        .init(name: "Less that was made answers after its tasks are gone, until its video is") { world in
            try await world.submitFlexible()
            _ = try await make(world, isReduced: true)
            let nothing = Retention(tasks: .zero, events: .zero, deliveries: .zero, idempotencyKeys: .zero)
            while try await world.store.purge(nothing, limit: 10) > 0 {}
            #expect(try await world.submitReduced().disposition == .cached)
            try await world.store.expire(["reduced"])
            while try await world.store.purge(nothing, limit: 10) > 0 {}
            #expect(try await world.store.videos(["reduced"]).isEmpty)
        },
    ]
}

extension TaskStoreWorld {
    /// Asks for the video of the key "full", or less of it.
    @discardableResult
    fileprivate func submitFlexible(adjust: (inout NewTask) -> Void = { _ in }) async throws -> Submission {
        var task = try NewTask.flexible()
        adjust(&task)
        return try await store.submit(task, queueLimit: 100)
    }

    /// Asks for just what the plan makes of it.
    fileprivate func submitReduced() async throws -> Submission {
        try await submit("less") { task in
            task.request = try .fixture("full").reduced(
                by: AttemptPlan(shape: VideoShape(width: 336, height: 192, numFrames: 25), steps: 20)
            )
        }
    }
}

extension NewTask {
    /// Asks for the video of the key "full", or less of it.
    fileprivate static func flexible() throws -> NewTask {
        var task = try NewTask.fixture("full or less")
        var draft = VideoRequest.Draft()
        (draft.prompt, draft.degrade, draft.minSteps) = ("full", "allow", 10)
        task.request = try VideoRequest(draft, for: .fixture)
        task.fullKey = GenerationKey(rawValue: "full")
        return task
    }
}
