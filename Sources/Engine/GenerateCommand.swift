/// What to make.
///
/// All fields are filled and within the limits that the engine declared.
package struct GenerateCommand: Sendable, Equatable {
    /// Unique among all commands of this engine.
    package var id: String
    /// The name of one of the engine's models.
    package var model: String
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
    /// How much of the input `video` is made anew; `nil` without one.
    package var strength: Double?
    /// `off`, `balanced` or `fast`.
    package var stepCache: String
    package var loras: [LoRA]
    /// Absolute paths of what it starts from.
    package var inputs: [EngineInput: String]
    package var memoryMode: EngineMemoryMode
    /// Absolute path of the MP4 to write; must not exist.
    package var output: String
    /// What the file is to say of itself; `nil` for nothing.
    package var metadata: VideoMetadata?
    /// Where to go on from, and what to write; `nil` for neither.
    package var checkpoint: Periodic?
    /// `nil` for none.
    package var preview: Periodic?
    /// A W3C `traceparent`, which the engine's log names the trace of; `nil` for none.
    package var trace: String?

    /// A file that is written anew after so many steps.
    package struct Periodic: Sendable, Equatable, Encodable {
        /// Absolute path.
        package var file: String
        /// Steps.
        package var every: Int

        package init(file: String, every: Int) {
            self.file = file
            self.every = every
        }
    }

    /// A LoRA and how much of it.
    package struct LoRA: Sendable, Equatable, Encodable {
        package var name: String
        package var scale: Double

        package init(name: String, scale: Double) {
            self.name = name
            self.scale = scale
        }
    }

    package init(
        id: String,
        model: String,
        prompt: String,
        negativePrompt: String,
        width: Int,
        height: Int,
        numFrames: Int,
        numInferenceSteps: Int,
        guidanceScale: Double,
        fps: Int,
        seed: UInt32,
        strength: Double? = nil,
        stepCache: String = "off",
        loras: [LoRA] = [],
        inputs: [EngineInput: String] = [:],
        memoryMode: EngineMemoryMode = .full,
        output: String,
        metadata: VideoMetadata? = nil,
        checkpoint: Periodic? = nil,
        preview: Periodic? = nil,
        trace: String? = nil
    ) {
        self.id = id
        self.model = model
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.width = width
        self.height = height
        self.numFrames = numFrames
        self.numInferenceSteps = numInferenceSteps
        self.guidanceScale = guidanceScale
        self.fps = fps
        self.seed = seed
        self.strength = strength
        self.stepCache = stepCache
        self.loras = loras
        self.inputs = inputs
        self.memoryMode = memoryMode
        self.output = output
        self.metadata = metadata
        self.checkpoint = checkpoint
        self.preview = preview
        self.trace = trace
    }
}

extension GenerateCommand {
    /// Whether it may share a pass with another: all that shapes the work is the same, and it starts from nothing.
    func isCompanion(of leader: GenerateCommand) -> Bool {
        var same = self
        same.id = leader.id
        same.prompt = leader.prompt
        same.negativePrompt = leader.negativePrompt
        same.seed = leader.seed
        same.output = leader.output
        same.metadata = leader.metadata
        same.checkpoint = leader.checkpoint
        same.preview = leader.preview
        same.trace = leader.trace
        return same == leader && inputs.isEmpty && id != leader.id && output != leader.output
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
