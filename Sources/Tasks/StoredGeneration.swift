/// A generation with what never leaves its store.
package struct StoredGeneration: Sendable, Equatable {
    package var generation: Generation
    /// An equal request finds it by its key.
    package var isAnswer: Bool
    package var notBefore: Timestamp
    package var leaseOwner: String?
    package var leaseDeadline: Timestamp?
    package var fence: Int64
    package var weight: Double
    package var cost: Double
    package var memoryBytes: Int64
    /// The key of the same request made in full, of one that may be made with less.
    package var fullKey: GenerationKey?
    /// How many generations of its tenant may run at the same time; `nil`: any number.
    package var runningLimit: Int?

    package init(
        generation: Generation,
        isAnswer: Bool,
        notBefore: Timestamp,
        leaseOwner: String?,
        leaseDeadline: Timestamp?,
        fence: Int64,
        weight: Double,
        cost: Double,
        memoryBytes: Int64,
        fullKey: GenerationKey?,
        runningLimit: Int?
    ) {
        self.generation = generation
        self.isAnswer = isAnswer
        self.notBefore = notBefore
        self.leaseOwner = leaseOwner
        self.leaseDeadline = leaseDeadline
        self.fence = fence
        self.weight = weight
        self.cost = cost
        self.memoryBytes = memoryBytes
        self.fullKey = fullKey
        self.runningLimit = runningLimit
    }
}

extension StoredGeneration {
    /// What order and placement depend on.
    package var waiting: WaitingGeneration {
        let request = generation.request
        return WaitingGeneration(
            id: generation.id,
            tenant: generation.tenant,
            weight: weight,
            priority: generation.priority,
            lane: Lane(model: generation.model, memoryBytes: memoryBytes),
            cost: cost,
            work: request.reduced(by: generation.plan).work(model: generation.model),
            batchKey: generation.isDeterministic ? nil : request.batchKey(model: generation.model),
            degradation: request.degradation,
            plan: generation.plan,
            since: generation.createdAt,
            notBefore: notBefore,
            hasStarted: generation.attempts > 0,
            runningLimit: runningLimit
        )
    }

    /// A new generation that waits.
    package init(waitingFor task: NewTask, as id: GenerationID, since now: Timestamp) {
        generation = Generation(
            id: id,
            key: task.key,
            request: task.request,
            seed: task.seed,
            model: task.model,
            status: .queued,
            priority: task.priority,
            attempts: 0,
            failures: 0,
            progress: nil,
            result: nil,
            failure: nil,
            createdAt: now,
            startedAt: nil,
            tenant: task.tenant,
            isDeterministic: task.isDeterministic,
            trace: task.trace
        )
        isAnswer = task.cache != .off
        notBefore = Timestamp(milliseconds: 0)
        fence = 0
        weight = task.weight
        cost = task.cost
        memoryBytes = task.memoryBytes
        fullKey = task.fullKey
        runningLimit = task.runningLimit
    }
}

extension NewTask {
    /// What makes a lost video anew for a task that was answered with it.
    ///
    /// - Parameters:
    ///   - lost: the generation whose video is gone, which may be another tenant's.
    ///   - task: the task.
    ///   - runningLimit: how many generations of the task's tenant may run.
    package init(remaking lost: StoredGeneration, for task: GenerationTask, runningLimit: Int?) {
        let generation = lost.generation
        self.init(
            id: task.id,
            tenant: task.tenant,
            key: generation.key,
            request: generation.request,
            seed: generation.seed,
            model: generation.model,
            priority: generation.priority,
            weight: lost.weight,
            cost: lost.cost,
            memoryBytes: lost.memoryBytes,
            isDeterministic: generation.isDeterministic,
            fullKey: lost.fullKey,
            runningLimit: runningLimit,
            trace: task.trace
        )
    }
}
