/// One piece of device work, shared by every task that wants the same video.
package struct Generation: Sendable, Equatable {
    package var id: GenerationID
    package var key: GenerationKey
    package var request: VideoRequest
    /// The seed that is used: the request's, or one derived from the key.
    package var seed: UInt32
    /// The model's name.
    package var model: String
    package var status: TaskStatus
    /// Higher first.
    package var priority: Int
    /// How often it was claimed.
    package var attempts: Int
    /// How many of the attempts failed in a way that counts against the limit of the retry policy.
    package var failures: Int
    /// `nil` until the first report of the current attempt.
    package var progress: GenerationProgress?
    /// Set when `status` is `succeeded`.
    package var result: GenerationResult?
    /// Why it failed, or why the last attempt did.
    package var failure: TaskFailure?
    package var createdAt: Timestamp
    /// When the current or last attempt was claimed.
    package var startedAt: Timestamp?
    /// What the next or running attempt does otherwise, because of what the last one met or of how much waits.
    package var plan: AttemptPlan
    /// Who is charged for the device time: the tenant of the task that it was made for.
    package var tenant: TenantID
    /// It never shares a pass with others.
    package var isDeterministic: Bool
    /// The trace of the task that it was made for; `nil`: none.
    package var trace: TraceContext?

    package init(
        id: GenerationID,
        key: GenerationKey,
        request: VideoRequest,
        seed: UInt32,
        model: String,
        status: TaskStatus,
        priority: Int,
        attempts: Int,
        failures: Int,
        progress: GenerationProgress?,
        result: GenerationResult?,
        failure: TaskFailure?,
        createdAt: Timestamp,
        startedAt: Timestamp?,
        plan: AttemptPlan = AttemptPlan(),
        tenant: TenantID = .standard,
        isDeterministic: Bool = false,
        trace: TraceContext? = nil
    ) {
        self.id = id
        self.key = key
        self.request = request
        self.seed = seed
        self.model = model
        self.status = status
        self.priority = priority
        self.attempts = attempts
        self.failures = failures
        self.progress = progress
        self.result = result
        self.failure = failure
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.plan = plan
        self.tenant = tenant
        self.isDeterministic = isDeterministic
        self.trace = trace
    }
}

/// How far an attempt is.
package struct GenerationProgress: Sendable, Equatable {
    package enum Stage: String, Sendable, CaseIterable {
        /// The model is being loaded.
        case load
        /// The text is being encoded.
        case encode
        case denoise
        /// Latents become frames.
        case decode
        /// Frames become a file.
        case write
    }

    package var stage: Stage
    /// Denoising steps done, 0 to `totalSteps`.
    package var step: Int
    package var totalSteps: Int

    package init(stage: Stage, step: Int, totalSteps: Int) {
        self.stage = stage
        self.step = step
        self.totalSteps = totalSteps
    }
}

/// A finished video.
package struct GenerationResult: Sendable, Equatable {
    /// SHA-256 of the file in hexadecimal; its name in the result store.
    package var video: String
    package var bytes: Int64
    /// Pixels of the file.
    package var width: Int
    package var height: Int
    /// Pixels the model rendered, before scaling to `width` × `height`.
    package var renderedWidth: Int
    package var renderedHeight: Int
    package var numFrames: Int
    package var fps: Int
    /// When the video was let go; `nil` while it is kept.
    package var expiredAt: Timestamp?
    /// How the model was held in memory; `nil` for videos made before that was recorded.
    package var memoryMode: MemoryMode?
    /// Denoising steps it was made with; `nil`: as many as asked for.
    package var steps: Int?
    /// The step cache it was made with; `nil`: as asked for.
    package var stepCache: StepCacheLevel?

    package init(
        video: String,
        bytes: Int64,
        width: Int,
        height: Int,
        renderedWidth: Int,
        renderedHeight: Int,
        numFrames: Int,
        fps: Int,
        expiredAt: Timestamp? = nil,
        memoryMode: MemoryMode? = nil,
        steps: Int? = nil,
        stepCache: StepCacheLevel? = nil
    ) {
        self.video = video
        self.bytes = bytes
        self.width = width
        self.height = height
        self.renderedWidth = renderedWidth
        self.renderedHeight = renderedHeight
        self.numFrames = numFrames
        self.fps = fps
        self.expiredAt = expiredAt
        self.memoryMode = memoryMode
        self.steps = steps
        self.stepCache = stepCache
    }
}

/// Why a generation failed.
package struct TaskFailure: Sendable, Equatable {
    /// Its lease ran out.
    package static let leaseExpired = TaskFailure(
        code: "lease_expired",
        message: "The worker stopped without a word."
    )

    /// Stable, snake_case; the same in responses, logs and metrics.
    package var code: String
    /// For people; says what to do where something can be done.
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
