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
    ///   - queueLimit: how many generations may wait; a task that joins or is cached needs no place.
    /// - Returns: the task as stored, and what became of it.
    /// - Throws: `queueFull`, `idempotencyConflict`, `unavailable`.
    func submit(_ task: NewTask, queueLimit: Int) async throws(TaskStoreError) -> Submission

    /// The task, or `nil` if this tenant has none of that id.
    func task(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> GenerationTask?

    /// A page of a tenant's tasks, newest first.
    func tasks(matching query: TaskQuery) async throws(TaskStoreError) -> TaskPage

    /// Takes the next generation: highest priority, then oldest, none before its time. `nil` if none waits.
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

    /// Requeues, or fails where the policy says so, what is running under leases that have run out.
    ///
    /// - Returns: how many generations that were.
    func reap(_ policy: RetryPolicy) async throws(TaskStoreError) -> Int

    /// Detaches a task from a result that turned out to be gone and gives it a generation in the queue.
    ///
    /// For a task that was just answered from the cache. Other tasks of the lost result keep their status; the key is
    /// free again, so that an equal request makes the video anew.
    func remake(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> Submission

    /// When the earliest delayed generation may be claimed; `nil` if none is delayed.
    func nextDelayedStart() async throws(TaskStoreError) -> Timestamp?

    /// The priority of the generation that would be claimed next; `nil` if none waits that may be claimed now.
    func nextPriority() async throws(TaskStoreError) -> Int?

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
}

/// How a generation ended.
package enum GenerationOutcome: Sendable, Equatable {
    /// - Parameters:
    ///   - model: the name of the model that made it.
    ///   - answersKey: whether equal requests may be answered with it; not if another model than the key's made it.
    case succeeded(GenerationResult, model: String, answersKey: Bool)
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

    package init(delay: Duration, countsAsFailure: Bool, failure: TaskFailure?, plan: AttemptPlan? = nil) {
        self.delay = delay
        self.countsAsFailure = countsAsFailure
        self.failure = failure
        self.plan = plan
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
    package var tenant: TenantID
    package var status: TaskStatus?
    /// Only tasks older than this one.
    package var before: TaskID?
    package var limit: Int

    package init(tenant: TenantID, status: TaskStatus? = nil, before: TaskID? = nil, limit: Int) {
        self.tenant = tenant
        self.status = status
        self.before = before
        self.limit = limit
    }
}

/// Tasks, newest first.
package struct TaskPage: Sendable, Equatable {
    package var tasks: [GenerationTask]
    /// Pass as `before` to get the next page; `nil` on the last one.
    package var next: TaskID?

    package init(tasks: [GenerationTask], next: TaskID?) {
        self.tasks = tasks
        self.next = next
    }
}
