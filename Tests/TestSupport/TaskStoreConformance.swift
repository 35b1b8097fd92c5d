package import Tasks
import Testing

/// A store to be examined, with its own data and its own time.
package struct TaskStoreWorld: Sendable {
    package var store: any TaskStore
    package var clock: ManualClock
    /// Closes the store and opens it again on the same data; `nil` where nothing outlives it.
    package var reopen: (@Sendable () async throws -> any TaskStore)?
    /// Whether other processes may have the same data open: who opens it leaves them what they work on.
    package var isShared: Bool

    package init(
        store: any TaskStore,
        clock: ManualClock,
        reopen: (@Sendable () async throws -> any TaskStore)? = nil,
        isShared: Bool = false
    ) {
        self.store = store
        self.clock = clock
        self.reopen = reopen
        self.isShared = isShared
    }
}

/// The contract of `TaskStore` as behaviours; every implementation shows every one.
package struct TaskStoreConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (TaskStoreWorld) async throws -> Void

    package var testDescription: String { name }

    package static let all: [TaskStoreConformance] =
        submission + caching + claiming + endings + cancelling + recovery + reading + expiry + purging + plans + order
        + charging + degradation + watching + removing + tenants + priorities + usage + limits + runningLimits
        + traces + prospects + news
}

extension TaskStoreWorld {
    @discardableResult
    func submit(
        _ key: String,
        tenant: TenantID = .standard,
        priority: Int = 0,
        cache: CacheUse = .use,
        callback: Callback? = nil,
        limits: AdmissionLimits = AdmissionLimits(queue: 1000),
        adjust: (inout NewTask) throws -> Void = { _ in }
    ) async throws -> Submission {
        var task = try NewTask.fixture(key, tenant: tenant, priority: priority, cache: cache, callback: callback)
        try adjust(&task)
        return try await store.submit(task, limits: limits)
    }

    /// Makes the next video that waits.
    @discardableResult
    func make(_ video: String = GenerationResult.fixture.video) async throws -> Generation {
        let claimed = try #require(try await claim())
        var result = GenerationResult.fixture
        result.video = video
        let answers = claimed.generation.key
        try await store.finish(claimed.lease, with: .succeeded(result, model: "fixture", answers: answers))
        return claimed.generation
    }

    func claim(_ owner: String = "worker", for duration: Duration = .seconds(30)) async throws -> ClaimedGeneration? {
        try await store.claim(ClaimRequest(owner: WorkerID(rawValue: owner), duration: duration))
    }

    /// Takes just this one.
    func claim(_ generation: GenerationID, plan: AttemptPlan? = nil) async throws -> ClaimedGeneration? {
        try await store.claim(
            ClaimRequest(
                owner: WorkerID(rawValue: "worker"),
                duration: .seconds(30),
                generation: generation,
                plan: plan
            )
        )
    }

    /// The prompts of generations.
    func prompts(of waiting: [WaitingGeneration]) async throws -> [String] {
        var prompts: [GenerationID: String] = [:]
        for tenant in Set(waiting.map(\.tenant)) {
            for task in try await store.tasks(matching: TaskQuery(tenant: tenant, limit: 1000)).tasks {
                prompts[task.generation.id] = task.generation.request.prompt
            }
        }
        return waiting.map { prompts[$0.id] ?? "" }
    }

    /// The prompts of those that wait and may be claimed, in fair order.
    func waiting(limit: Int = 100) async throws -> [String] {
        try await prompts(of: store.waiting(limit: limit))
    }

    func status(_ id: TaskID, of tenant: TenantID = .standard) async throws -> TaskStatus? {
        try await store.task(id, of: tenant)?.status
    }

    /// What the outbox tells of one task.
    func events(of id: TaskID) async throws -> [TaskEvent.Kind] {
        try await store.events(after: 0, limit: 10_000).filter { $0.task == id }.map(\.kind)
    }
}

extension GenerationOutcome {
    /// A video that answers the key it was made for.
    package static func fixture(_ claimed: ClaimedGeneration) -> GenerationOutcome {
        .succeeded(.fixture, model: "fixture", answers: claimed.generation.key)
    }
}
