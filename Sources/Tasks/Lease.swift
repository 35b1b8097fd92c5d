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

    package init(owner: WorkerID, duration: Duration) {
        self.owner = owner
        self.duration = duration
    }
}

/// A generation and the right to work on it.
package struct ClaimedGeneration: Sendable, Equatable {
    package var generation: Generation
    package var lease: Lease

    package init(generation: Generation, lease: Lease) {
        self.generation = generation
        self.lease = lease
    }
}
