import Synchronization

/// One device with a model on it, behind a process that may die at any time.
///
/// `VideoEngineConformance` in the test support is the precise form of this contract.
///
/// A *pass* is one use of the device, for one generation or several. At most one pass is on the device; beside it the
/// files of at most one earlier pass are being written.
package protocol VideoEngine: Sendable {
    /// The name of the device it was given: `cpu`, `cuda:0`.
    var device: String { get }

    /// What it can do at this moment.
    ///
    /// It is ready as soon as the device is free, although the files of the last pass may still be being written.
    var state: EngineState { get }

    /// The model of the last pass, while it is still on the device.
    ///
    /// `nil` before the first pass of a process, while another model is being loaded, after a lack of memory, and from
    /// `park()` or `sleep()` on.
    var warmModel: String? { get }

    /// The state now and each later one. A slow reader sees the newest, not every one. Ends after `stopped`.
    func states() -> AsyncStream<EngineState>

    /// Makes the videos of one pass and returns when each of them has ended.
    ///
    /// Cancelling the calling task cancels all of them. What was cancelled ends within one step, and only once it is off
    /// the device or the engine has been killed.
    ///
    /// - Parameters:
    ///   - pass: what to make, and where to: at least one, at most `maxBatch` of their model. With several, they are the
    ///     same but for `id`, `prompt`, `negativePrompt`, `seed`, `output`, `metadata`, `checkpoint` and `preview`, and
    ///     have no inputs; those that are not the same as the first are rejected together with it. Those that are too
    ///     long to be sent together with the ones before them end at once as `yielded`.
    ///   - report: called with the id of a generation for each sign of life, in order; must not block.
    ///   - ended: called exactly once for each generation, after its last report, with its video, complete and synced,
    ///     or why there is none; must not block.
    func generate(
        _ pass: [GenerateCommand],
        report: @escaping @Sendable (_ id: String, EngineReport) -> Void,
        ended: @escaping @Sendable (_ id: String, Result<EngineVideo, EngineError>) -> Void
    ) async

    /// Asks for one generation to be stopped within one step, also while its file is being written; returns at once.
    ///
    /// It then ends as `cancelled`; the others of its pass go on. Nothing happens if that generation does not run.
    func cancel(id: String)

    /// Asks the pass of a generation to write its checkpoints at the end of the step and to give up; returns at once.
    ///
    /// Each of the pass then ends as `yielded`, or with its video if the steps were over. Nothing happens if that
    /// generation does not run or is being written.
    func yield(id: String)

    /// Moves the model off the device, into the machine's memory; returns at once.
    ///
    /// The next pass brings it back. Nothing happens unless the engine is ready.
    func park()

    /// Ends the process until `wake()`; returns at once.
    ///
    /// Nothing happens while a pass is on the device or is being written.
    func sleep()

    /// Starts the process again; returns at once.
    ///
    /// Nothing happens unless the engine is asleep.
    func wake()
}

extension VideoEngine {
    /// Makes one video in a pass of its own and returns when the file is complete and synced.
    ///
    /// The engine may be ready for the next pass before this returns: from the report `released` on.
    ///
    /// - Parameters:
    ///   - command: what to make, and where to.
    ///   - report: called for each sign of life, in order; must not block.
    /// - Returns: the video.
    /// - Throws: why there is none; `cancelled` after the calling task was cancelled.
    package func generate(
        _ command: GenerateCommand,
        report: @escaping @Sendable (EngineReport) -> Void
    ) async throws(EngineError) -> EngineVideo {
        let outcome = Mutex<Result<EngineVideo, EngineError>>(.failure(.cancelled))
        await generate([command]) { _, sign in
            report(sign)
        } ended: { _, end in
            outcome.withLock { $0 = end }
        }
        return try outcome.withLock { $0 }.get()
    }
}

/// What an engine can do at this moment.
package enum EngineState: Sendable, Equatable {
    /// The process was started and has not said hello.
    case starting
    /// Takes a pass.
    case ready(EngineDescription)
    /// A pass is on the device.
    case busy(EngineDescription)
    /// It ended or never came up, or is about to be replaced; the next start is under way after a pause.
    case restarting(EngineFault)
    /// Its process was ended until it is woken; with what it last said of itself, if it ever did.
    case asleep(EngineDescription?)
    /// Shut down on purpose.
    case stopped

    /// What it says of itself, where it is up, or last said, where it is asleep.
    package var description: EngineDescription? {
        switch self {
        case .ready(let description), .busy(let description): description
        case .asleep(let description): description
        case .starting, .restarting, .stopped: nil
        }
    }

    /// Why a command cannot be taken; what an engine that is not ready answers.
    package var unreadiness: EngineFault {
        switch self {
        case .starting: EngineFault(code: "engine_starting", message: "The engine is starting.")
        case .restarting(let fault): fault
        case .asleep: EngineFault(code: "engine_asleep", message: "The engine is asleep.")
        case .stopped: EngineFault(code: "engine_stopped", message: "The engine was shut down.")
        case .ready, .busy: EngineFault(code: "engine_busy", message: "The engine makes one pass at a time.")
        }
    }
}

/// Why an engine is not there.
package struct EngineFault: Error, Sendable, Equatable {
    /// Stable and in snake_case.
    ///
    /// The engine's own, such as `model_not_found` or `dependencies_missing`, or one of `engine_not_startable`,
    /// `engine_start_timeout`, `engine_crashed`, `engine_stalled`, `engine_protocol_broken`, `engine_starting`,
    /// `engine_busy`, `engine_asleep`, `engine_stopped`, `engine_memory_lost`.
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
    /// Only its file remains to be written: the device is free, and the engine ready for the next pass.
    case released
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
    /// The most that the pass had allocated on the device at once, weights included; `nil` where it cannot be told.
    package var peakBytes: Int64?

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
        seconds: [EngineProgress.Stage: Double] = [:],
        peakBytes: Int64? = nil
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
        self.peakBytes = peakBytes
    }
}
