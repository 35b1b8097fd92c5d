/// What the cost and the memory of a generation depend on.
package struct Work: Sendable, Hashable, Codable {
    /// The model's name.
    package var model: String
    package var shape: VideoShape
    /// Denoising steps that are computed.
    package var steps: Int
    /// Two evaluations of the model a step: guidance above 1.
    package var isGuided: Bool
    package var stepCache: StepCacheLevel
    /// By name.
    package var loras: [String]

    package init(
        model: String,
        shape: VideoShape,
        steps: Int,
        isGuided: Bool,
        stepCache: StepCacheLevel = .off,
        loras: [String] = []
    ) {
        self.model = model
        self.shape = shape
        self.steps = steps
        self.isGuided = isGuided
        self.stepCache = stepCache
        self.loras = loras
    }
}

/// How far what is made may fall short of what was asked for, when too much waits.
///
/// `nil`: as far as the model goes.
package struct DegradationFloor: Sendable, Hashable, Codable {
    package var minSteps: Int?
    package var minFrames: Int?
    /// Pixels.
    package var minHeight: Int?

    package init(minSteps: Int? = nil, minFrames: Int? = nil, minHeight: Int? = nil) {
        self.minSteps = minSteps
        self.minFrames = minFrames
        self.minHeight = minHeight
    }
}
