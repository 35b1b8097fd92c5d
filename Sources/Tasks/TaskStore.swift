/// Where tasks and generations live.
///
/// What it has answered survives the death of any process.
///
/// Every change of state is atomic and carries its `TaskEvent`s. `TaskStoreConformance` in the test support is the
/// precise form of this contract; every implementation passes it.
package protocol TaskStore: Sendable {
    /// Stores a task and attaches it to the generation that will make, is making or has made its video.
    ///
    /// - Parameters:
    ///   - task: what to store.
    ///   - limits: how much may wait.
    /// - Returns: the task as stored, and what became of it.
    /// - Throws: `queueFull`, `tenantLimit`, `idempotencyConflict`, `unavailable`.
    func submit(_ task: NewTask, limits: AdmissionLimits) async throws(TaskStoreError) -> Submission

    /// What would become of a task if it were submitted now, an idempotency key aside; changes nothing.
    ///
    /// - Throws: `queueFull`, `tenantLimit`, `unavailable`.
    func prospect(of task: NewTask, limits: AdmissionLimits) async throws(TaskStoreError) -> Prospect

    /// The task, or `nil` if this tenant has none of that id.
    func task(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> GenerationTask?

    /// A page of tasks, newest first unless the query says otherwise.
    func tasks(matching query: TaskQuery) async throws(TaskStoreError) -> TaskPage

    /// Whose a task is; `nil` if there is none of that id.
    func owner(of id: TaskID) async throws(TaskStoreError) -> TenantID?

    /// Signs from now on that a task may have changed, its progress included, until nobody listens or the store closes.
    ///
    /// Of every change, whoever made it. Signs that are not read in time become one.
    func changes(of id: TaskID) -> AsyncStream<Void>

    /// What whoever works on generations must know, from now on, until nobody listens or the store closes.
    ///
    /// News that is not read in time becomes `missed`.
    func news() -> AsyncStream<StoreNews>

    /// Whether a video is the result of one of a tenant's tasks.
    func owns(_ tenant: TenantID, video: String) async throws(TaskStoreError) -> Bool

    /// Takes the generation that is asked for, or the first of all in fair order (`FairQueue`).
    ///
    /// Its tenant is charged with its predicted cost; when the attempt ends, however it ends, with the time it took.
    ///
    /// - Returns: `nil` if it does not wait any more, is before its time, or none waits.
    func claim(_ request: ClaimRequest) async throws(TaskStoreError) -> ClaimedGeneration?

    /// Moves the deadline of a lease and records progress.
    ///
    /// - Throws: `leaseLost` if it ran out and was taken, or if no task wants the generation any more.
    func renew(
        _ lease: Lease,
        for duration: Duration,
        progress: GenerationProgress?
    ) async throws(TaskStoreError) -> Lease

    /// Ends a generation, and every task that still waits for it.
    ///
    /// - Throws: `leaseLost`, and then nothing has changed.
    func finish(_ lease: Lease, with outcome: GenerationOutcome) async throws(TaskStoreError)

    /// Puts a generation back into the queue.
    ///
    /// - Throws: `leaseLost`, and then nothing has changed.
    func requeue(_ lease: Lease, _ requeue: Requeue) async throws(TaskStoreError)

    /// Cancels a task. The generation goes on for others; if there are none it is cancelled as well.
    func cancel(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> CancelOutcome

    /// Cancels a task that has not ended, and takes it out of its tenant's sight, ended or not.
    ///
    /// The video stays, for other tasks and for equal requests. Callbacks that are due are still sent.
    ///
    /// - Returns: as for `cancel`; the task is gone in every case.
    func remove(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> CancelOutcome

    /// Sets how urgent the generation of a task is, for every task that waits for it.
    ///
    /// One that runs or has ended stays as it is.
    ///
    /// - Returns: the task; `nil` if this tenant has none of that id.
    func setPriority(
        _ priority: Int,
        of id: TaskID,
        of tenant: TenantID
    ) async throws(TaskStoreError) -> GenerationTask?

    /// What every tenant has under way and has had today; tenants with nothing of either are left out.
    func usage() async throws(TaskStoreError) -> [TenantUsage]

    /// Requeues, or fails where the policy says so, what is running under leases that have run out.
    ///
    /// - Returns: how many generations that were.
    func reap(_ policy: RetryPolicy) async throws(TaskStoreError) -> ReapedGenerations

    /// Detaches a task from a result that turned out to be gone and gives it a generation in the queue.
    ///
    /// For a task that was just answered from the cache. Other tasks of the lost result keep their status; the key is
    /// free again, so that an equal request makes the video anew.
    func remake(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> Submission

    /// What there is to claim: the first of each lane, and how much waits behind them.
    func heads() async throws(TaskStoreError) -> QueueHeads

    /// Generations that wait and may share a pass with one that waits, in fair order, without itself.
    func companions(of generation: GenerationID, limit: Int) async throws(TaskStoreError) -> [WaitingGeneration]

    /// The first of all that waits and may be claimed now, in fair order.
    func waiting(limit: Int) async throws(TaskStoreError) -> [WaitingGeneration]

    /// Predicted seconds of device time that are served before a generation would start that is submitted now.
    ///
    /// - Parameters:
    ///   - tenant: whose it is.
    ///   - weight: the tenant's.
    ///   - priority: the generation's.
    /// - Returns: an estimate, for all devices together.
    /// - Throws: `unavailable`.
    func ahead(of tenant: TenantID, weight: Double, priority: Int) async throws(TaskStoreError) -> Double

    /// Those of the generations that have not ended.
    func unfinished(_ generations: [GenerationID]) async throws(TaskStoreError) -> Set<GenerationID>

    /// Records that videos are let go: they answer no request any more.
    ///
    /// - Parameter videos: names in the result store; unknown ones are passed over.
    /// - Throws: `overloaded`, `unavailable`.
    func expire(_ videos: [String]) async throws(TaskStoreError)

    /// Takes back `expire`: the videos are there after all.
    func restore(_ videos: [String]) async throws(TaskStoreError)

    /// What is known of videos; those that no generation has made are left out.
    func videos(_ names: [String]) async throws(TaskStoreError) -> [String: VideoRecord]

    /// Removes what has been over for long enough.
    ///
    /// Nothing that still waits, and no generation that a task or an equal request may ask for.
    ///
    /// - Parameters:
    ///   - retention: how long things are kept.
    ///   - limit: rows of each kind, at most, so that no pass holds up the writers for long.
    /// - Returns: rows removed; 0 means that nothing is left to remove.
    /// - Throws: `overloaded`, `unavailable`.
    func purge(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int

    /// Events after a sequence number, oldest first.
    func events(after sequence: Int64, limit: Int) async throws(TaskStoreError) -> [TaskEvent]

    /// Events of one task after a sequence number, oldest first; none if this tenant has no task of that id.
    func events(
        of id: TaskID,
        of tenant: TenantID,
        after sequence: Int64,
        limit: Int
    ) async throws(TaskStoreError) -> [TaskEvent]
}

/// How a generation ended.
package enum GenerationOutcome: Sendable, Equatable {
    /// - Parameters:
    ///   - model: the name of the model that made it.
    ///   - answers: the key of the requests that may be answered with it, which is that of what was really made; `nil`:
    ///     none.
    case succeeded(GenerationResult, model: String, answers: GenerationKey?)
    case failed(TaskFailure)
}

/// How a generation goes back.
package struct Requeue: Sendable, Equatable {
    /// Not claimable before.
    package var delay: Duration
    /// Whether the attempt counts against the limit of the retry policy.
    package var countsAsFailure: Bool
    /// What went wrong, shown until the next attempt ends.
    package var failure: TaskFailure?
    /// What the next attempt does otherwise; `nil`: nothing new.
    package var plan: AttemptPlan?
    /// The least memory of a device that the next attempt needs, its lane; `nil`: nothing new.
    package var memoryBytes: Int64?

    package init(
        delay: Duration,
        countsAsFailure: Bool,
        failure: TaskFailure?,
        plan: AttemptPlan? = nil,
        memoryBytes: Int64? = nil
    ) {
        self.delay = delay
        self.countsAsFailure = countsAsFailure
        self.failure = failure
        self.plan = plan
        self.memoryBytes = memoryBytes
    }
}

/// What a cancel did.
package enum CancelOutcome: Sendable, Equatable {
    /// Cancelled now. `abandoned` is the generation that nobody wants any more, if this was its last task.
    case cancelled(GenerationTask, abandoned: GenerationID?)
    /// It had ended before, in the status it has.
    case alreadyEnded(GenerationTask)
    case notFound
}

/// Which tasks to list.
package struct TaskQuery: Sendable {
    /// `nil`: every tenant's.
    package var tenant: TenantID?
    package var status: TaskStatus?
    /// Only tasks that come behind this one: older ones, or newer ones where the oldest comes first.
    package var before: TaskID?
    package var limit: Int
    /// Whether the oldest comes first.
    package var isAscending: Bool

    package init(
        tenant: TenantID?,
        status: TaskStatus? = nil,
        before: TaskID? = nil,
        limit: Int,
        isAscending: Bool = false
    ) {
        self.tenant = tenant
        self.status = status
        self.before = before
        self.limit = limit
        self.isAscending = isAscending
    }
}

/// Tasks in the order of their query.
package struct TaskPage: Sendable, Equatable {
    package var tasks: [GenerationTask]
    /// Pass as `before` to get the next page; `nil` on the last one.
    package var next: TaskID?

    package init(tasks: [GenerationTask], next: TaskID?) {
        self.tasks = tasks
        self.next = next
    }
}

/// What became of generations whose leases ran out.
package struct ReapedGenerations: Sendable, Equatable {
    /// They wait again.
    package var requeued: Int
    /// They had failed too often.
    package var failed: Int

    package init(requeued: Int = 0, failed: Int = 0) {
        self.requeued = requeued
        self.failed = failed
    }

    package var count: Int { requeued + failed }
}
