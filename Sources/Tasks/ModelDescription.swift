/// What the loaded model can make.
///
/// The engine declares it; requests are parsed against it.
package struct ModelDescription: Sendable, Equatable {
    /// The name that tasks show.
    package var name: String
    /// SHA-256 of the checkpoint, in hexadecimal; part of every generation key.
    package var fingerprint: String
    /// Rises whenever the engine makes other pixels from the same input; part of every generation key.
    package var engineVersion: String
    package var limits: ModelLimits
    package var defaults: RequestDefaults

    package init(
        name: String, fingerprint: String, engineVersion: String, limits: ModelLimits, defaults: RequestDefaults
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.engineVersion = engineVersion
        self.limits = limits
        self.defaults = defaults
    }
}

/// The sizes, frame counts and settings that a model allows.
package struct ModelLimits: Sendable, Equatable {
    /// Output width in pixels.
    package var width: ClosedRange<Int>
    /// Output height in pixels.
    package var height: ClosedRange<Int>
    /// Width and height must be multiples of this.
    package var sizeMultiple: Int
    /// Limit of width × height.
    package var maxPixels: Int
    package var frames: ClosedRange<Int>
    /// The number of frames is `frameStep`·k + 1: the temporal compression of the VAE.
    package var frameStep: Int
    package var steps: ClosedRange<Int>
    package var guidance: ClosedRange<Double>
    package var fps: ClosedRange<Int>
    /// Limit of the prompt and of the negative prompt, in characters.
    ///
    /// The engine also has a limit in tokens.
    package var maxPromptCharacters: Int

    package init(
        width: ClosedRange<Int>,
        height: ClosedRange<Int>,
        sizeMultiple: Int,
        maxPixels: Int,
        frames: ClosedRange<Int>,
        frameStep: Int,
        steps: ClosedRange<Int>,
        guidance: ClosedRange<Double>,
        fps: ClosedRange<Int>,
        maxPromptCharacters: Int
    ) {
        self.width = width
        self.height = height
        self.sizeMultiple = sizeMultiple
        self.maxPixels = maxPixels
        self.frames = frames
        self.frameStep = frameStep
        self.steps = steps
        self.guidance = guidance
        self.fps = fps
        self.maxPromptCharacters = maxPromptCharacters
    }
}

/// What a request gets for the fields it leaves out.
package struct RequestDefaults: Sendable, Equatable {
    package var width: Int
    package var height: Int
    package var numFrames: Int
    package var numInferenceSteps: Int
    package var guidanceScale: Double
    package var fps: Int
    package var negativePrompt: String

    package init(
        width: Int,
        height: Int,
        numFrames: Int,
        numInferenceSteps: Int,
        guidanceScale: Double,
        fps: Int,
        negativePrompt: String
    ) {
        self.width = width
        self.height = height
        self.numFrames = numFrames
        self.numInferenceSteps = numInferenceSteps
        self.guidanceScale = guidanceScale
        self.fps = fps
        self.negativePrompt = negativePrompt
    }
}
