/// How a model is held in the memory of a device; the fastest first, the most sparing last.
package enum MemoryMode: String, Sendable, CaseIterable, Comparable, Codable {
    /// Everything on the device.
    case full
    /// One part of the model on the device at a time.
    case modelOffload = "model_offload"
    /// The same, with the transformer in 8-bit floating point.
    case modelOffload8Bit = "model_offload_8bit"
    /// One layer on the device at a time.
    case sequentialOffload = "sequential_offload"

    /// Whether `lhs` is tried before `rhs`: it needs more memory.
    package static func < (lhs: MemoryMode, rhs: MemoryMode) -> Bool {
        lhs.rung < rhs.rung
    }

    private var rung: Int {
        switch self {
        case .full: 0
        case .modelOffload: 1
        case .modelOffload8Bit: 2
        case .sequentialOffload: 3
        }
    }
}

/// What the next attempt at a generation does otherwise than the first would have.
///
/// A lack of memory sets the mode, and then a smaller shape beside it. A long queue sets steps, step cache and shape, and
/// leaves the mode alone.
package struct AttemptPlan: Sendable, Hashable {
    /// `nil`: the one that suits the device.
    package var memoryMode: MemoryMode?
    /// What is made instead of what was asked for; `nil`: just that.
    package var shape: VideoShape?
    /// Denoising steps that are computed, fewer than asked for; `nil`: as many.
    package var steps: Int?
    /// A level that is less faithful than the one asked for; `nil`: that one.
    package var stepCache: StepCacheLevel?

    package init(
        memoryMode: MemoryMode? = nil,
        shape: VideoShape? = nil,
        steps: Int? = nil,
        stepCache: StepCacheLevel? = nil
    ) {
        self.memoryMode = memoryMode
        self.shape = shape
        self.steps = steps
        self.stepCache = stepCache
    }
}

/// Size and length of a video.
package struct VideoShape: Sendable, Hashable, Codable {
    /// Pixels.
    package var width: Int
    package var height: Int
    package var numFrames: Int

    package init(width: Int, height: Int, numFrames: Int) {
        self.width = width
        self.height = height
        self.numFrames = numFrames
    }

    /// Pixels of all frames together.
    package var pixels: Int { width * height * numFrames }
}
