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
    ///   - report: called for each step and stage, in order; must not block.
    /// - Returns: the video.
    /// - Throws: why there is none.
    func generate(
        _ command: GenerateCommand,
        report: @escaping @Sendable (EngineProgress) -> Void
    ) async throws(EngineError) -> EngineVideo
}

/// What an engine can do at this moment.
package enum EngineState: Sendable, Equatable {
    /// The process was started and has not said hello.
    case starting
    /// Takes a generation.
    case ready(EngineModel)
    case busy(EngineModel)
    /// It ended or never came up; the next start is under way after a pause.
    case restarting(EngineFault)
    /// Shut down on purpose.
    case stopped

    /// The model, where the engine is up.
    package var model: EngineModel? {
        switch self {
        case .ready(let model), .busy(let model): model
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
    /// `engine_busy`, `engine_stopped`.
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

/// What to make.
///
/// All fields are filled and within the limits that the engine declared.
package struct GenerateCommand: Sendable, Equatable {
    /// Unique among all commands of this engine.
    package var id: String
    package var prompt: String
    package var negativePrompt: String
    /// Pixels.
    package var width: Int
    package var height: Int
    package var numFrames: Int
    package var numInferenceSteps: Int
    package var guidanceScale: Double
    package var fps: Int
    package var seed: UInt32
    /// Absolute path of the MP4 to write; must not exist.
    package var output: String
    /// What the file is to say of itself; `nil` for nothing.
    package var metadata: VideoMetadata?

    package init(
        id: String,
        prompt: String,
        negativePrompt: String,
        width: Int,
        height: Int,
        numFrames: Int,
        numInferenceSteps: Int,
        guidanceScale: Double,
        fps: Int,
        seed: UInt32,
        output: String,
        metadata: VideoMetadata? = nil
    ) {
        self.id = id
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.width = width
        self.height = height
        self.numFrames = numFrames
        self.numInferenceSteps = numInferenceSteps
        self.guidanceScale = guidanceScale
        self.fps = fps
        self.seed = seed
        self.output = output
        self.metadata = metadata
    }
}

/// What an MP4 says of itself, in the tags that players and `ffprobe` show.
package struct VideoMetadata: Sendable, Equatable, Encodable {
    /// Of each text, in Unicode scalars; an engine refuses more.
    package static let maximumLength = 8_000

    package var title: String
    package var description: String
    package var comment: String

    /// What is too long is cut.
    package init(title: String, description: String, comment: String) {
        self.title = Self.cut(title)
        self.description = Self.cut(description)
        self.comment = Self.cut(comment)
    }

    private static func cut(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(maximumLength)))
    }
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
        self.seconds = seconds
    }
}
