/// What a client holds: one request that was accepted, and what became of it.
package struct GenerationTask: Sendable, Equatable {
    package var id: TaskID
    package var tenant: TenantID
    package var status: TaskStatus
    /// Answered with a video that was there already.
    package var isCached: Bool
    package var createdAt: Timestamp
    package var finishedAt: Timestamp?
    package var callback: Callback?
    /// The key that it was made with; `nil`: none.
    package var accessKey: KeyID?
    /// The task whose video it is another version of.
    package var remixedFrom: TaskID?
    /// What the request that made it belongs to; `nil`: no trace.
    package var trace: TraceContext?
    /// The work it waits for.
    ///
    /// Its status may go on to `succeeded` after this task was cancelled, for other tasks' sake.
    package var generation: Generation

    package init(
        id: TaskID,
        tenant: TenantID,
        status: TaskStatus,
        isCached: Bool,
        createdAt: Timestamp,
        finishedAt: Timestamp?,
        callback: Callback? = nil,
        accessKey: KeyID? = nil,
        remixedFrom: TaskID? = nil,
        trace: TraceContext? = nil,
        generation: Generation
    ) {
        self.id = id
        self.tenant = tenant
        self.status = status
        self.isCached = isCached
        self.createdAt = createdAt
        self.finishedAt = finishedAt
        self.callback = callback
        self.accessKey = accessKey
        self.remixedFrom = remixedFrom
        self.trace = trace
        self.generation = generation
    }
}

/// A task to be stored.
package struct NewTask: Sendable {
    package var id: TaskID
    package var tenant: TenantID
    package var key: GenerationKey
    package var request: VideoRequest
    package var seed: UInt32
    package var model: String
    package var priority: Int
    package var idempotency: Idempotency?
    package var cache: CacheUse
    package var callback: Callback?
    /// The tenant's share in relation to those of others.
    package var weight: Double
    /// Predicted seconds of device time on the reference device.
    package var cost: Double
    /// The least memory of a device on which it is predicted to fit; 0: unknown, or any will do.
    package var memoryBytes: Int64
    /// The generation must not share a pass with others.
    package var isDeterministic: Bool
    /// The key of the same request made in full, of one that may be made with less; `nil`: it is `key`.
    package var fullKey: GenerationKey?
    /// Generations of the tenant that may run at the same time; `nil`: any number.
    package var runningLimit: Int?
    /// The key that it is made with; `nil`: none.
    package var accessKey: KeyID?
    /// The task whose video it is another version of.
    package var remixedFrom: TaskID?
    /// What the request belongs to; `nil`: no trace.
    package var trace: TraceContext?

    /// Makes a repeated submission return the first one's task.
    package struct Idempotency: Sendable, Equatable {
        /// Chosen by the client.
        package var key: String
        /// What was asked; the same key with another fingerprint is a conflict.
        package var fingerprint: String

        package init(key: String, fingerprint: String) {
            self.key = key
            self.fingerprint = fingerprint
        }
    }

    package init(
        id: TaskID,
        tenant: TenantID,
        key: GenerationKey,
        request: VideoRequest,
        seed: UInt32,
        model: String,
        priority: Int = 0,
        idempotency: Idempotency? = nil,
        cache: CacheUse = .use,
        callback: Callback? = nil,
        weight: Double = 1,
        cost: Double = 1,
        memoryBytes: Int64 = 0,
        isDeterministic: Bool = false,
        fullKey: GenerationKey? = nil,
        runningLimit: Int? = nil,
        accessKey: KeyID? = nil,
        remixedFrom: TaskID? = nil,
        trace: TraceContext? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.key = key
        self.request = request
        self.seed = seed
        self.model = model
        self.priority = priority
        self.idempotency = idempotency
        self.cache = cache
        self.callback = callback
        self.weight = weight
        self.cost = cost
        self.memoryBytes = memoryBytes
        self.isDeterministic = isDeterministic
        self.fullKey = fullKey
        self.runningLimit = runningLimit
        self.accessKey = accessKey
        self.remixedFrom = remixedFrom
        self.trace = trace
    }
}

/// What would become of a submission.
package enum Prospect: Sendable, Equatable {
    /// A generation of its own would wait in the queue.
    case queued
    /// It would join this generation, which waits or runs.
    case joined(Generation)
    /// The video of this generation is there.
    case cached(Generation)
}

/// What became of a submission.
package struct Submission: Sendable, Equatable {
    package enum Disposition: String, Sendable, CaseIterable {
        /// A generation of its own waits in the queue.
        case queued
        /// It joined a generation that was waiting or running.
        case joined
        /// The video was there.
        case cached
        /// The idempotency key was known: this is the task of the first submission.
        case replayed
    }

    package var task: GenerationTask
    package var disposition: Disposition

    package init(task: GenerationTask, disposition: Disposition) {
        self.task = task
        self.disposition = disposition
    }
}
