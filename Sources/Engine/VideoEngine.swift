/// One device with a model on it, behind a process that may die at any time.
///
/// `VideoEngineConformance` in the test support is the precise form of this contract.
package protocol VideoEngine: Sendable {
    /// The name of the device it was given: `cpu`, `cuda:0`.
    var device: String { get }

    /// What it can do at this moment.
    var state: EngineState { get }

    /// The state now and each later one. A slow reader sees the newest, not every one. Ends after `stopped`.
    func states() -> AsyncStream<EngineState>

    /// Makes one video and returns when the file is complete and synced.
    ///
    /// Cancelling the calling task stops the device within one step; the call then throws `cancelled`, and only once
    /// the engine is free again or has been killed. One call at a time.
    ///
    /// - Parameters:
    ///   - command: what to make, and where to.
    ///   - report: called for each sign of life, in order; must not block.
    /// - Returns: the video.
    /// - Throws: why there is none.
    func generate(
        _ command: GenerateCommand,
        report: @escaping @Sendable (EngineReport) -> Void
    ) async throws(EngineError) -> EngineVideo

    /// Asks a generation to write a checkpoint at the end of its step and to give up; returns at once.
    ///
    /// Its call of `generate` then throws `yielded`, or returns the video if the steps were over. Nothing happens if that
    /// generation does not run.
    func yield(id: String)
}

/// What an engine can do at this moment.
package enum EngineState: Sendable, Equatable {
    /// The process was started and has not said hello.
    case starting
    /// Takes a generation.
    case ready(EngineDescription)
    case busy(EngineDescription)
    /// It ended or never came up; the next start is under way after a pause.
    case restarting(EngineFault)
    /// Shut down on purpose.
    case stopped

    /// What it says of itself, where it is up.
    package var description: EngineDescription? {
        switch self {
        case .ready(let description), .busy(let description): description
        case .starting, .restarting, .stopped: nil
        }
    }

    /// Why a command cannot be taken; what an engine that is not ready answers.
    package var unreadiness: EngineFault {
        switch self {
        case .starting: EngineFault(code: "engine_starting", message: "The engine is starting.")
        case .restarting(let fault): fault
        case .stopped: EngineFault(code: "engine_stopped", message: "The engine was shut down.")
        case .ready, .busy: EngineFault(code: "engine_busy", message: "The engine makes one video at a time.")
        }
    }
}

/// Why an engine is not there.
package struct EngineFault: Error, Sendable, Equatable {
    /// Stable and in snake_case.
    ///
    /// The engine's own, such as `model_not_found` or `dependencies_missing`, or one of `engine_not_startable`,
    /// `engine_start_timeout`, `engine_crashed`, `engine_stalled`, `engine_protocol_broken`, `engine_starting`,
    /// `engine_busy`, `engine_stopped`, `engine_memory_lost`.
    package var code: String
    /// For people; says what to do.
    package var message: String
    /// The end of the process's log, where that is the best explanation.
    ///
    /// For the operator's eyes only: it names files.
    package var log: [String]

    package init(code: String, message: String, log: [String] = []) {
        self.code = code
        self.message = message
        self.log = log
    }
}

/// What an engine says while it works.
package enum EngineReport: Sendable, Equatable {
    case progress(EngineProgress)
    /// So many steps were done before, by the checkpoint.
    case resumed(step: Int)
    /// The checkpoint of a step is on disk.
    case checkpointed(step: Int, bytes: Int64)
    /// The preview of a step is on disk.
    case preview(step: Int, bytes: Int64)
}

/// How far a generation is.
package struct EngineProgress: Sendable, Equatable {
    package enum Stage: String, Sendable, CaseIterable {
        case load
        case encode
        case denoise
        case decode
        case write
    }

    package var stage: Stage
    /// Denoising steps done.
    package var step: Int
    package var totalSteps: Int

    package init(stage: Stage, step: Int, totalSteps: Int) {
        self.stage = stage
        self.step = step
        self.totalSteps = totalSteps
    }
}

/// A video that an engine has made.
package struct EngineVideo: Sendable, Equatable {
    /// Absolute path: the `output` of the command.
    package var file: String
    package var bytes: Int64
    /// Pixels of the file.
    package var width: Int
    package var height: Int
    /// Pixels the model rendered, before scaling.
    package var renderedWidth: Int
    package var renderedHeight: Int
    package var numFrames: Int
    package var fps: Int
    package var memoryMode: EngineMemoryMode
    /// The step that it went on from; 0: from the start.
    package var resumedStep: Int
    /// Steps that the step cache made unnecessary.
    package var skippedSteps: Int
    /// Time spent in each stage, as far as the engine says.
    package var seconds: [EngineProgress.Stage: Double]

    package init(
        file: String,
        bytes: Int64,
        width: Int,
        height: Int,
        renderedWidth: Int,
        renderedHeight: Int,
        numFrames: Int,
        fps: Int,
        memoryMode: EngineMemoryMode = .full,
        resumedStep: Int = 0,
        skippedSteps: Int = 0,
        seconds: [EngineProgress.Stage: Double] = [:]
    ) {
        self.file = file
        self.bytes = bytes
        self.width = width
        self.height = height
        self.renderedWidth = renderedWidth
        self.renderedHeight = renderedHeight
        self.numFrames = numFrames
        self.fps = fps
        self.memoryMode = memoryMode
        self.resumedStep = resumedStep
        self.skippedSteps = skippedSteps
        self.seconds = seconds
    }
}
