package import Tasks

/// The bounds of admission and dispatch.
package struct SchedulingSettings: Sendable, Equatable {
    /// What may wait.
    package var admission: AdmissionPolicy
    /// How long a claim is good for without a renewal.
    package var leaseDuration: Duration
    /// How often progress is written; leases are renewed with it.
    package var progressInterval: Duration
    /// How often expired leases are looked for.
    package var reapInterval: Duration
    /// How long a running generation may go on at shutdown before it is put back.
    package var drainTimeout: Duration
    /// When a failed attempt is tried again.
    package var retries: RetryPolicy
    /// Whether a tenant is answered only with videos that its own requests have made.
    package var isCachePerTenant: Bool
    /// Whether a video says in itself what was asked for and what made it.
    package var embedsMetadata: Bool
    /// How models are held in memory; `nil`: what suits each device and request.
    package var memoryMode: MemoryMode?
    /// After how many steps a checkpoint is written; 0 for never.
    package var checkpointSteps: Int
    /// After how many steps a preview is made; 0 for never.
    package var previewSteps: Int
    /// When a generation makes way for a more urgent one.
    package var preemption: PreemptionPolicy
    /// Which generation goes to which engine.
    package var placement: PlacementPolicy
    /// Which generations share a pass.
    package var batch: BatchPolicy
    /// What is made less of when too much waits.
    package var degradation: DegradationPolicy
    /// When idle engines rest.
    package var scaling: EngineScalingPolicy
    /// How many devices there should be.
    package var workers: WorkerScalingPolicy
    /// What a video calls the server that it was made by.
    package var software: String

    package init(
        admission: AdmissionPolicy = AdmissionPolicy(),
        leaseDuration: Duration = .seconds(30),
        progressInterval: Duration = .milliseconds(500),
        reapInterval: Duration = .seconds(5),
        drainTimeout: Duration = .seconds(5),
        retries: RetryPolicy = RetryPolicy(),
        isCachePerTenant: Bool = false,
        embedsMetadata: Bool = true,
        memoryMode: MemoryMode? = nil,
        checkpointSteps: Int = 5,
        previewSteps: Int = 5,
        preemption: PreemptionPolicy = PreemptionPolicy(),
        placement: PlacementPolicy = PlacementPolicy(),
        batch: BatchPolicy = BatchPolicy(),
        degradation: DegradationPolicy = DegradationPolicy(),
        scaling: EngineScalingPolicy = EngineScalingPolicy(),
        workers: WorkerScalingPolicy = WorkerScalingPolicy(),
        software: String = "Animato"
    ) {
        self.admission = admission
        self.leaseDuration = leaseDuration
        self.progressInterval = progressInterval
        self.reapInterval = reapInterval
        self.drainTimeout = drainTimeout
        self.retries = retries
        self.isCachePerTenant = isCachePerTenant
        self.embedsMetadata = embedsMetadata
        self.memoryMode = memoryMode
        self.checkpointSteps = checkpointSteps
        self.previewSteps = previewSteps
        self.preemption = preemption
        self.placement = placement
        self.batch = batch
        self.degradation = degradation
        self.scaling = scaling
        self.workers = workers
        self.software = software
    }
}
