package import Tasks
import Testing

/// A store to be examined, with its own data and its own time.
package struct TaskStoreWorld: Sendable {
    package var store: any TaskStore
    package var clock: ManualClock
    /// Closes the store and opens it again on the same data; `nil` where nothing outlives it.
    package var reopen: (@Sendable () async throws -> any TaskStore)?

    package init(
        store: any TaskStore,
        clock: ManualClock,
        reopen: (@Sendable () async throws -> any TaskStore)? = nil
    ) {
        self.store = store
        self.clock = clock
        self.reopen = reopen
    }
}

/// The contract of `TaskStore` as behaviours; every implementation shows every one.
package struct TaskStoreConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (TaskStoreWorld) async throws -> Void

    package var testDescription: String { name }

    package static let all: [TaskStoreConformance] =
        submission + caching + claiming + endings + cancelling + recovery + reading + expiry + purging + plans
}

extension TaskStoreWorld {
    @discardableResult
    func submit(
        _ key: String,
        tenant: TenantID = .standard,
        priority: Int = 0,
        cache: CacheUse = .use,
        callback: Callback? = nil
    ) async throws -> Submission {
        try await store.submit(
            .fixture(key, tenant: tenant, priority: priority, cache: cache, callback: callback),
            queueLimit: 1000
        )
    }

    /// Makes the next video that waits.
    @discardableResult
    func make(_ video: String = GenerationResult.fixture.video) async throws -> Generation {
        let claimed = try #require(try await claim())
        var result = GenerationResult.fixture
        result.video = video
        try await store.finish(claimed.lease, with: .succeeded(result, model: "fixture", answersKey: true))
        return claimed.generation
    }

    func claim(_ owner: String = "worker", for duration: Duration = .seconds(30)) async throws -> ClaimedGeneration? {
        try await store.claim(ClaimRequest(owner: WorkerID(rawValue: owner), duration: duration))
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
    static let fixture = GenerationOutcome.succeeded(.fixture, model: "fixture", answersKey: true)
}
