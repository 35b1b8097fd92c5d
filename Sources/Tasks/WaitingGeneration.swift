/// Generations that the same devices can take.
package struct Lane: Sendable, Hashable, Comparable {
    /// The model's name.
    package var model: String
    /// The least memory of a device on which they are predicted to fit in some mode; 0: unknown, or any will do.
    package var memoryBytes: Int64

    package init(model: String, memoryBytes: Int64 = 0) {
        self.model = model
        self.memoryBytes = memoryBytes
    }

    package static func < (lhs: Lane, rhs: Lane) -> Bool {
        (lhs.model, lhs.memoryBytes) < (rhs.model, rhs.memoryBytes)
    }
}

/// A generation in the queue, as far as order and placement depend on it.
package struct WaitingGeneration: Sendable, Equatable {
    package var id: GenerationID
    /// Who is charged for it: the tenant of the task that it was made for.
    package var tenant: TenantID
    /// The tenant's share in relation to those of others; what is no positive number counts as 1.
    ///
    /// From 10^-6 to 10^6.
    package var weight: Double
    /// As asked for, without what waiting has added; higher first.
    package var priority: Int
    package var lane: Lane
    /// Predicted seconds of device time on the reference device; what is no number or negative counts as 0.
    ///
    /// At most 10^9.
    package var cost: Double
    /// What its next attempt does, the plan included.
    package var work: Work
    /// Equal for generations that may share a pass; `nil`: shares none.
    package var batchKey: String?
    /// `nil`: it is made as asked for, however long it waits.
    package var degradation: DegradationFloor?
    /// What its next attempt does otherwise.
    package var plan: AttemptPlan
    /// Since when it waits; the order within a tenant, and what raises it in time.
    package var since: Timestamp
    /// Not taken earlier.
    package var notBefore: Timestamp
    /// A checkpoint of an earlier attempt may be there, so that it runs alone.
    package var hasStarted: Bool
    /// Generations of the tenant that may run at the same time; `nil`: any number.
    ///
    /// What was said last counts.
    package var runningLimit: Int?

    package init(
        id: GenerationID,
        tenant: TenantID,
        weight: Double = 1,
        priority: Int = 0,
        lane: Lane,
        cost: Double = 1,
        work: Work,
        batchKey: String? = nil,
        degradation: DegradationFloor? = nil,
        plan: AttemptPlan = AttemptPlan(),
        since: Timestamp,
        notBefore: Timestamp = Timestamp(milliseconds: 0),
        hasStarted: Bool = false,
        runningLimit: Int? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.weight = weight
        self.priority = priority
        self.lane = lane
        self.cost = cost
        self.work = work
        self.batchKey = batchKey
        self.degradation = degradation
        self.plan = plan
        self.since = since
        self.notBefore = notBefore
        self.hasStarted = hasStarted
        self.runningLimit = runningLimit
    }
}

/// What there is to place, at one moment.
package struct QueueHeads: Sendable, Equatable {
    /// The first of each lane that may be taken now, in fair order.
    package var heads: [WaitingGeneration]
    /// How many generations wait, those before their time included.
    package var count: Int
    /// Predicted seconds of device time of all that waits.
    package var cost: Double
    /// When the next that is before its time may be taken; `nil` if none is.
    package var nextDelayed: Timestamp?
    /// How many wait of each priority that was asked for.
    package var countByPriority: [Int: Int]

    package init(
        heads: [WaitingGeneration],
        count: Int,
        cost: Double,
        nextDelayed: Timestamp?,
        countByPriority: [Int: Int] = [:]
    ) {
        self.heads = heads
        self.count = count
        self.cost = cost
        self.nextDelayed = nextDelayed
        self.countByPriority = countByPriority
    }
}
