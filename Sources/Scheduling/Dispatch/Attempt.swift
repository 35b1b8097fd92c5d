import Engine
import Tasks
import Tracing

/// What one attempt at a generation is made with.
struct Attempt: Sendable {
    /// One name for each attempt, so that nothing an earlier one left can be taken for its own.
    let id: String
    /// Its index in the fleet.
    let engine: Int
    let claimed: ClaimedGeneration
    let model: ModelDescription
    let policy: MemoryPolicy
    /// What is asked of the engine.
    let work: Work
    let mode: MemoryMode
    let estimate: CostEstimate
    /// Generations that share its pass.
    let rows: Int
    /// The memory of the device.
    let capacity: Int64
    /// Monotonic.
    let started: Duration
    let trace: AttemptTrace

    var shape: VideoShape { work.shape }

    /// `nil` if the engine does not have the model that the generation was accepted for.
    init?(
        _ claimed: ClaimedGeneration,
        _ assignment: Assignment,
        on device: String,
        description: EngineDescription,
        of kind: DeviceKind,
        costs: CostModel,
        rows: Int,
        settings: SchedulingSettings,
        clock: any ServiceClock,
        tracer: any Tracer
    ) {
        let generation = claimed.generation
        guard let model = ModelDescription(named: generation.model, of: description) else { return nil }
        id = GenerateCommand.id(of: claimed)
        self.engine = assignment.engine
        self.claimed = claimed
        self.model = model
        policy = MemoryPolicy(model: model, memoryBytes: description.memoryBytes)
        work = generation.request.reduced(by: generation.plan).work(model: generation.model)
        // A lack of memory has the last word on how the model is held.
        mode = model.memoryModes.first { $0 >= generation.plan.memoryMode ?? assignment.mode } ?? assignment.mode
        capacity = description.memoryBytes
        estimate = costs.estimate(
            work,
            model: ModelFacts(model, wanted: settings.memoryMode),
            mode: mode,
            on: kind,
            rows: rows
        )
        self.rows = rows
        started = clock.monotonicTime()
        trace = AttemptTrace(
            claimed,
            on: device,
            mode: mode,
            tracer: tracer,
            started: started,
            wall: clock.wallTime()
        )
    }
}
