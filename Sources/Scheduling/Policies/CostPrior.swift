import Tasks

/// What a generation is expected to take before anything was measured.
///
/// The shape of the formula and its numbers for a step are EasyAnimate's published times (README of aigc-apps/EasyAnimate,
/// V5.1, 12B, 25 steps with guidance): seconds of a step on an A100 of
///
/// | | 384×672×25 | ×49 | 576×1008×25 | ×49 | 768×1344×25 | ×49 |
/// | --- | --- | --- | --- | --- | --- | --- |
/// | published | 1.75 | 3.7 | 4.7 | 11.4 | 10.6 | 28.3 |
/// | `linear`·t + `square`·t² | 1.71 | 3.69 | 4.75 | 11.45 | 10.73 | 28.26 |
///
/// for t tokens: linear layers take a time that grows with t, attention between all tokens one that grows with t². The
/// other stages have no published times; their numbers are estimates that the first measurement replaces.
enum CostPrior {
    /// Seconds for a token of a step with guidance, of the reference model on the reference device.
    static let linear = 1.953e-4
    /// The same for a pair of tokens.
    static let square = 6.56e-9
    /// The reference model's transformer: 12 billion weights of two bytes.
    static let referenceBytes = 24e9
    /// EasyAnimate's text encoder, Qwen2-VL-7B, which is held beside the transformer and takes no part in a step.
    static let encoderBytes = 16e9

    /// What a step takes at least: starting some hundred operations.
    private static let leastStep = 0.005
    /// Bytes a second from disk to device.
    private static let loadRate = 1.5e9
    /// Starting a pipeline, beside reading its weights.
    private static let leastLoad = 1.0
    /// Bytes a second from the machine's memory to the device (PCIe 4.0 with 16 lanes gives 25 at best, and is shared).
    private static let transferRate = 12e9
    /// Seconds to encode a prompt with 7 billion weights on the reference device.
    private static let encode = 0.3
    /// Seconds to decode a million pixels on the reference device.
    private static let decode = 0.15
    /// Seconds to compress a million pixels, on the processor.
    private static let write = 0.01
    /// 8-bit weights are widened in each step.
    private static let narrowWeights = 1.08

    /// The tokens of a video: what a step's time depends on.
    ///
    /// A latent frame stands for four frames (after the first), a latent pixel for 8×8 pixels, a token for 2×2 of those:
    /// so do the autoencoders and transformers of EasyAnimate and of Wan.
    static func tokens(_ shape: VideoShape) -> Double {
        let frames = Double((max(shape.numFrames, 1) - 1) / 4 + 1)
        return frames * Double(max(shape.height, 1)) / 16 * Double(max(shape.width, 1)) / 16
    }

    /// All stages.
    static func estimate(_ work: Work, _ model: ModelFacts, _ mode: MemoryMode, _ kind: DeviceKind) -> CostEstimate {
        let speed = kind.expectedSpeed
        let weights = Double(max(model.weightBytes, 0))
        let transformer = transformerBytes(of: model)
        let pixels = Double(max(work.shape.pixels, 1)) / 1e6
        // One part after the other goes to the device, where not all of them have room at once.
        let moves = mode == .full ? 0 : weights / transferRate
        return CostEstimate(
            load: leastLoad + weights / loadRate,
            encode: encode * min(1, weights / encoderBytes) / speed + moves,
            perStep: step(work, transformer, mode, speed),
            steps: max(work.steps, 0),
            decode: decode * pixels * min(1, max(weights / encoderBytes, 0.01)) / speed,
            write: write * pixels
        )
    }

    private static func step(_ work: Work, _ transformer: Double, _ mode: MemoryMode, _ speed: Double) -> Double {
        let tokens = tokens(work.shape)
        let guided = (linear + square * tokens) * tokens * transformer / referenceBytes / speed
        var seconds = (work.isGuided ? guided : guided / 2) / speedUp(work.stepCache)
        switch mode {
        case .full, .modelOffload: break
        case .modelOffload8Bit: seconds *= narrowWeights
        // Every layer crosses over in every step.
        case .sequentialOffload: seconds += transformer / transferRate
        }
        return leastStep + seconds
    }

    /// Of an EasyAnimate of full size what is left beside its text encoder; of anything else a part that is as large as
    /// EasyAnimate's.
    private static func transformerBytes(of model: ModelFacts) -> Double {
        let weights = Double(max(model.weightBytes, 0))
        if model.family == "easyanimate", weights > 1.5 * encoderBytes { return weights - encoderBytes }
        return weights * referenceBytes / (referenceBytes + encoderBytes)
    }

    /// Measured once with the tiny checkpoint: docs/benchmarks.md, "The step cache".
    private static func speedUp(_ level: StepCacheLevel) -> Double {
        switch level {
        case .off: 1
        case .balanced: 1.33
        case .fast: 1.83
        }
    }
}
