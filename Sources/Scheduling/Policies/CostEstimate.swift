package import Tasks

/// Predicted seconds of one attempt, by stage.
package struct CostEstimate: Sendable, Equatable {
    /// Until the model is on the device, where it is not.
    package var load: Double
    package var encode: Double
    /// Of one denoising step.
    package var perStep: Double
    package var steps: Int
    package var decode: Double
    /// Of the file, while the device is free already.
    package var write: Double

    package init(load: Double, encode: Double, perStep: Double, steps: Int, decode: Double, write: Double) {
        self.load = load
        self.encode = encode
        self.perStep = perStep
        self.steps = steps
        self.decode = decode
        self.write = write
    }

    /// How long the device is taken.
    ///
    /// - Parameter isWarm: the model is on the device already.
    /// - Returns: seconds.
    package func deviceSeconds(isWarm: Bool) -> Double {
        (isWarm ? 0 : load) + encode + perStep * Double(steps) + decode
    }

    /// Until the file is complete.
    ///
    /// - Parameter isWarm: the model is on the device already.
    /// - Returns: seconds.
    package func total(isWarm: Bool) -> Double {
        deviceSeconds(isWarm: isWarm) + write
    }
}

/// What one attempt really took.
///
/// Stages that were not gone through, or not measured, are `nil`.
package struct CostObservation: Sendable, Equatable {
    package var work: Work
    package var model: ModelFacts
    package var mode: MemoryMode
    package var kind: DeviceKind
    /// Generations that shared the pass.
    package var rows: Int
    /// Denoising steps that this attempt went through, those included that the step cache made cheap.
    package var steps: Int
    /// Seconds of the whole pass.
    package var load: Double?
    package var encode: Double?
    package var denoise: Double?
    /// Seconds of this one generation.
    package var decode: Double?
    package var write: Double?

    package init(
        work: Work,
        model: ModelFacts,
        mode: MemoryMode,
        kind: DeviceKind,
        rows: Int = 1,
        steps: Int,
        load: Double? = nil,
        encode: Double? = nil,
        denoise: Double? = nil,
        decode: Double? = nil,
        write: Double? = nil
    ) {
        self.work = work
        self.model = model
        self.mode = mode
        self.kind = kind
        self.rows = rows
        self.steps = steps
        self.load = load
        self.encode = encode
        self.denoise = denoise
        self.decode = decode
        self.write = write
    }
}
