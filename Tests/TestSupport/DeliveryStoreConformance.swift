package import Tasks
import Testing

/// A store of tasks and their deliveries to be examined, with its own data and its own time.
package struct DeliveryStoreWorld: Sendable {
    package var store: any TaskStore & DeliveryStore
    package var clock: ManualClock
    /// Closes the store and opens it again on the same data; `nil` where nothing outlives it.
    package var reopen: (@Sendable () async throws -> any TaskStore & DeliveryStore)?
    /// Whether other processes may have the same data open: who opens it leaves them what they work on.
    package var isShared: Bool

    package init(
        store: any TaskStore & DeliveryStore,
        clock: ManualClock,
        reopen: (@Sendable () async throws -> any TaskStore & DeliveryStore)? = nil,
        isShared: Bool = false
    ) {
        self.store = store
        self.clock = clock
        self.reopen = reopen
        self.isShared = isShared
    }
}

/// The contract of `DeliveryStore` as behaviours; every implementation shows every one.
package struct DeliveryStoreConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (DeliveryStoreWorld) async throws -> Void

    package var testDescription: String { name }

    package static let all: [DeliveryStoreConformance] = writing + news + claiming + concluding + redelivering + keeping
}

extension DeliveryStoreWorld {
    static let failure = TaskFailure(code: "receiver_status", message: "The receiver answered with 500.")

    /// The same store, for what belongs to tasks.
    package var tasks: TaskStoreWorld {
        guard let reopen else { return TaskStoreWorld(store: store, clock: clock) }
        return TaskStoreWorld(
            store: store,
            clock: clock,
            reopen: { () async throws -> any TaskStore in try await reopen() },
            isShared: isShared
        )
    }

    /// Makes a task of a key of its own that has succeeded, with one delivery to a receiver.
    @discardableResult
    func succeed(_ key: String, to receiver: String = "https://one.example:443") async throws -> TaskID {
        let id = try await tasks.submit(key, callback: .fixture(receiver)).task.id
        try await tasks.make()
        return id
    }

    func claim(
        limit: Int = 100,
        receiverLimit: Int = 10,
        underWay: [String: Int] = [:],
        for duration: Duration = .seconds(30)
    ) async throws -> [ClaimedDelivery] {
        try await store.claimDeliveries(
            DeliveryClaim(limit: limit, receiverLimit: receiverLimit, underWay: underWay, duration: duration)
        )
    }

    /// Claims the only delivery that is due.
    func claimOne() async throws -> ClaimedDelivery {
        let claimed = try await claim()
        try #require(claimed.count == 1)
        return try #require(claimed.first)
    }

    /// What there is to tell of a task, oldest first.
    func deliveries(of task: TaskID, tenant: TenantID = .standard) async throws -> [Delivery] {
        try await store.deliveries(matching: DeliveryQuery(tenant: tenant, task: task, limit: 1000))
            .deliveries.reversed()
    }

    /// The events of a task's deliveries that have a status, oldest first.
    func events(of task: TaskID, _ status: DeliveryStatus) async throws -> [CallbackEvent] {
        try await deliveries(of: task).filter { $0.status == status }.map(\.event)
    }

    /// Reports progress of a running generation.
    func report(_ step: Int, _ lease: Lease) async throws {
        let progress = GenerationProgress(stage: .denoise, step: step, totalSteps: 50)
        _ = try await store.renew(lease, for: .seconds(3600), progress: progress)
    }
}
