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
    /// The kind of model: `easyanimate`, `wan`.
    package var family: String
    /// Bytes of its weights on disk.
    package var weightBytes: Int64
    /// What it takes beside a prompt.
    package var inputs: Set<InputRole>
    /// The levels that it supports; `off` is always one.
    package var stepCache: Set<StepCacheLevel>
    /// Those that work on the device, the fastest first; never empty.
    package var memoryModes: [MemoryMode]
    /// What is known to fit where; empty if nothing is.
    package var memoryTable: [MemoryFit]
    /// What a request gets that names no size, by the aspect ratio of what it brings.
    package var sizes: [VideoSize]

    package init(
        name: String,
        fingerprint: String,
        engineVersion: String,
        limits: ModelLimits,
        defaults: RequestDefaults,
        family: String = "easyanimate",
        weightBytes: Int64 = 0,
        inputs: Set<InputRole> = [],
        stepCache: Set<StepCacheLevel> = [.off],
        memoryModes: [MemoryMode] = [.full],
        memoryTable: [MemoryFit] = [],
        sizes: [VideoSize] = []
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.engineVersion = engineVersion
        self.limits = limits
        self.defaults = defaults
        self.family = family
        self.weightBytes = weightBytes
        self.inputs = inputs
        self.stepCache = stepCache
        self.memoryModes = memoryModes
        self.memoryTable = memoryTable
        self.sizes = sizes
    }
}

/// Width and height in pixels.
package struct VideoSize: Sendable, Hashable {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
}

/// One thing that is known to fit: a shape in a memory mode on a device of so much memory.
package struct MemoryFit: Sendable, Equatable {
    package var mode: MemoryMode
    package var shape: VideoShape
    package var minMemoryBytes: Int64

    package init(mode: MemoryMode, shape: VideoShape, minMemoryBytes: Int64) {
        self.mode = mode
        self.shape = shape
        self.minMemoryBytes = minMemoryBytes
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
    /// How much of a given video is made anew, 0 to 1.
    package var strength: Double

    package init(
        width: Int,
        height: Int,
        numFrames: Int,
        numInferenceSteps: Int,
        guidanceScale: Double,
        fps: Int,
        negativePrompt: String,
        strength: Double = 0.7
    ) {
        self.width = width
        self.height = height
        self.numFrames = numFrames
        self.numInferenceSteps = numInferenceSteps
        self.guidanceScale = guidanceScale
        self.fps = fps
        self.negativePrompt = negativePrompt
        self.strength = strength
    }
}
