import Engine
import Tasks
import Telemetry
import Tracing

/// What the trace of a task says of an attempt: how long the generation waited, and what the attempt did when.
struct AttemptTrace: Sendable {
    /// What follows is under it; what the engine is told.
    let context: TraceContext?
    private let span: any Tracing.Span
    private let tracer: any Tracer
    /// The beginning of the attempt, on both clocks.
    private let wall: Timestamp
    private let started: Duration

    /// Begins the span of an attempt, and ends that of the wait before the first one.
    ///
    /// - Parameters:
    ///   - claimed: the generation, and the tasks that want it.
    ///   - device: where.
    ///   - mode: how the model is held in memory.
    ///   - tracer: makes the spans.
    ///   - started: the beginning of the attempt, monotonic.
    ///   - wall: the same, by the time of day.
    init(
        _ claimed: ClaimedGeneration,
        on device: String,
        mode: MemoryMode,
        tracer: any Tracer,
        started: Duration,
        wall: Timestamp
    ) {
        let generation = claimed.generation
        self.tracer = tracer
        self.wall = wall
        self.started = started
        if generation.attempts == 1 {
            let queue = tracer.begin("queue", under: generation.trace, at: SpanTime(generation.createdAt))
            queue.attributes["animato.generation.id"] = generation.id.rawValue
            queue.attributes["animato.priority"] = generation.priority
            queue.end(at: SpanTime(generation.startedAt ?? wall))
        }
        span = tracer.begin("attempt", under: generation.trace, at: SpanTime(wall))
        context = span.context.trace
        guard span.isRecording else { return }
        let made = generation.request.reduced(by: generation.plan)
        span.attributes.merge([
            "animato.generation.id": .int64(generation.id.rawValue),
            "animato.attempt": .int64(Int64(generation.attempts)),
            "animato.device": .string(device),
            "animato.model": .string(generation.model),
            "animato.memory_mode": .string(mode.rawValue),
            "animato.width": .int64(Int64(made.width)),
            "animato.height": .int64(Int64(made.height)),
            "animato.num_frames": .int64(Int64(made.numFrames)),
            "animato.num_inference_steps": .int64(Int64(made.numInferenceSteps)),
        ])
        if let first = claimed.tasks.first { span.attributes["animato.task.id"] = "\(first.id)" }
        // Tasks that joined have traces of their own.
        for task in claimed.tasks {
            guard let other = task.trace, other.traceID != generation.trace?.traceID else { continue }
            span.link(to: other, as: "joined")
        }
    }

    /// Begins something that is done for the attempt.
    func begin(_ name: String, at now: Duration) -> any Tracing.Span {
        tracer.begin(name, under: context, at: moment(now))
    }

    /// A monotonic time as a moment of a span.
    func moment(_ now: Duration) -> SpanTime {
        SpanTime(wall, after: now - started)
    }

    /// Says what the engine did when, and how the work ended.
    ///
    /// - Parameters:
    ///   - end: of the work.
    ///   - stages: that the engine has told of, with their times.
    func note(_ end: AttemptRunner.End, _ stages: [StageTimes.Span]) {
        guard span.isRecording else { return }
        var seconds: [EngineProgress.Stage: Double] = [:]
        var code: String?
        switch end {
        case .made(let video):
            seconds = video.seconds
            span.attributes["animato.resumed_step"] = video.resumedStep
            span.attributes["animato.outcome"] = "made"
        case .failed(.yielded): span.attributes["animato.outcome"] = "yielded"
        case .failed(let error):
            code = error.code
            span.attributes["animato.outcome"] = "failed"
            span.fail(error.code)
        case .stop: span.attributes["animato.outcome"] = "stopped"
        }
        for stage in stages {
            let child = begin(stage.stage.rawValue, at: .seconds(stage.from))
            // Where several share a pass, a stage in which each is at work alone takes one less than it lasts.
            if let seconds = seconds[stage.stage] { child.attributes["animato.engine_seconds"] = seconds }
            if stage.isLast, let code { child.fail(code) }
            child.end(at: moment(.seconds(stage.to)))
        }
    }

    /// The video was made and could not be kept.
    func fail(_ code: String) {
        span.fail(code)
    }

    /// The attempt is over, and that is recorded.
    func end(at now: Duration) {
        span.end(at: moment(now))
    }
}
