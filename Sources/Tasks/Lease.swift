/// The right to work on a generation, until a deadline.
///
/// A store accepts a write only with the current owner and fence: who lost the lease changes nothing.
package struct Lease: Sendable, Equatable {
    package var generation: GenerationID
    package var owner: WorkerID
    /// Rises with every claim of this generation.
    package var fence: Int64
    /// By the store's clock.
    package var deadline: Timestamp

    package init(generation: GenerationID, owner: WorkerID, fence: Int64, deadline: Timestamp) {
        self.generation = generation
        self.owner = owner
        self.fence = fence
        self.deadline = deadline
    }
}

/// Who asks for work, and for how long.
package struct ClaimRequest: Sendable {
    package var owner: WorkerID
    /// Until the first renewal must have come.
    package var duration: Duration
    /// Which one; `nil`: the first of all in fair order, whatever its lane.
    package var generation: GenerationID?
    /// What the attempt does otherwise, kept with the generation; `nil`: what is kept already.
    package var plan: AttemptPlan?

    package init(
        owner: WorkerID,
        duration: Duration,
        generation: GenerationID? = nil,
        plan: AttemptPlan? = nil
    ) {
        self.owner = owner
        self.duration = duration
        self.generation = generation
        self.plan = plan
    }
}

/// A generation and the right to work on it.
package struct ClaimedGeneration: Sendable, Equatable {
    package var generation: Generation
    package var lease: Lease
    /// Those that wait for it at this moment, the oldest first.
    package var tasks: [WaitingTask]

    package init(generation: Generation, lease: Lease, tasks: [WaitingTask] = []) {
        self.generation = generation
        self.lease = lease
        self.tasks = tasks
    }
}

/// A task that waits for a generation, as far as whoever works on that is concerned: for logs and traces.
package struct WaitingTask: Sendable, Equatable {
    package var id: TaskID
    package var trace: TraceContext?

    package init(id: TaskID, trace: TraceContext?) {
        self.id = id
        self.trace = trace
    }
}
