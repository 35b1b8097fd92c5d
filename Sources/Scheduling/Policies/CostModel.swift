package import Tasks

/// Predicts how long generations take, and learns from those that were made.
///
/// What was made before takes what it took. What was not is expected to be as much faster or slower than `CostPrior` says
/// as other work of the model, in the same mode on the same make of device, turned out to be. Remembers a bounded number of
/// things; forgets what it has not met for longest.
package struct CostModel: Sendable {
    /// What took what it took.
    struct Exact: Hashable, Codable, Sendable {
        var model: String
        var width: Int
        var height: Int
        var frames: Int
        var isGuided: Bool
        var stepCache: StepCacheLevel
        var mode: MemoryMode
        var kind: String
    }

    /// Seconds of the stages that depend on the shape.
    struct Times: Codable, Sendable {
        var perStep: RunningAverage?
        var decode: RunningAverage?
        var write: RunningAverage?
    }

    /// What all shapes have in common.
    struct General: Hashable, Codable, Sendable {
        var model: String
        /// `nil`: any.
        var mode: MemoryMode?
        var kind: String
    }

    /// Seconds of what does not depend on the shape, and of the rest how many times what was expected.
    struct Habits: Codable, Sendable {
        var load: RunningAverage?
        var encode: RunningAverage?
        var perStep: RunningAverage?
        var decode: RunningAverage?
        var write: RunningAverage?
        /// What another generation adds to a pass, as a share of what the first takes.
        var rowShare: RunningAverage?
    }

    /// Shapes that are remembered.
    static let exactLimit = 4096
    /// Models, modes and makes that are remembered.
    static let generalLimit = 512
    /// Two generations in a pass take nearly as long as one after the other: video fills the device alone (measured gains
    /// of others: 1.03 to 1.2 times).
    static let expectedRowShare = 0.95
    /// A load below is none: the model was there.
    private static let leastLoad = 0.01

    var exact = BoundedMemory<Exact, Times>(limit: exactLimit)
    var general = BoundedMemory<General, Habits>(limit: generalLimit)

    /// Knows only what was published.
    package init() {}

    // MARK: Predictions

    /// What one attempt is predicted to take.
    ///
    /// - Parameters:
    ///   - work: what is made.
    ///   - model: what makes it.
    ///   - mode: how the model is held.
    ///   - kind: of the device.
    ///   - rows: generations in the pass.
    /// - Returns: seconds by stage; `perStep` and `decode` are of all rows together, `write` of one.
    package func estimate(
        _ work: Work,
        model: ModelFacts,
        mode: MemoryMode,
        on kind: DeviceKind,
        rows: Int = 1
    ) -> CostEstimate {
        var estimate = CostPrior.estimate(work, model, mode, kind)
        let times = exact[Exact(work, mode, kind)]
        let habits = general[General(model: work.model, mode: mode, kind: kind.name)]
        // Of another mode at least the pace is known.
        let pace = habits ?? general[General(model: work.model, mode: nil, kind: kind.name)]
        if let load = habits?.load?.value { estimate.load = load }
        if let encode = habits?.encode?.value { estimate.encode = encode }
        estimate.perStep = times?.perStep?.value ?? estimate.perStep * (pace?.perStep?.value ?? 1)
        estimate.decode = times?.decode?.value ?? estimate.decode * (pace?.decode?.value ?? 1)
        estimate.write = times?.write?.value ?? estimate.write * (pace?.write?.value ?? 1)
        if rows > 1 {
            let share = habits?.rowShare?.value ?? Self.expectedRowShare
            estimate.perStep *= 1 + share * Double(rows - 1)
            estimate.decode *= Double(rows)
        }
        return estimate
    }

    /// What order and admission weigh a generation by: seconds of a device of one make, whichever it is made on.
    ///
    /// - Parameters:
    ///   - work: what is made.
    ///   - model: what makes it, in its fastest mode, being on the device already.
    ///   - reference: the make.
    /// - Returns: seconds.
    package func cost(of work: Work, model: ModelFacts, on reference: DeviceKind = .reference) -> Double {
        estimate(work, model: model, mode: model.memoryModes.first ?? .full, on: reference).deviceSeconds(isWarm: true)
    }

    // MARK: Learning

    /// Takes over what an attempt took; times that are no positive numbers are left out.
    package mutating func learn(_ observation: CostObservation) {
        let work = observation.work
        let (mode, kind) = (observation.mode, observation.kind)
        let expected = CostPrior.estimate(work, observation.model, mode, kind)
        var perStep = observation.steps > 0 ? observation.denoise.map { $0 / Double(observation.steps) } : nil
        var rowShare: Double?
        if observation.rows > 1 {
            // Tells what sharing costs, where what one takes alone is known, and nothing of the latter.
            let alone = exact[Exact(work, mode, kind)]?.perStep?.value
            if let perStep, let alone { rowShare = (perStep / alone - 1) / Double(observation.rows - 1) }
            perStep = nil
        }
        if perStep != nil || observation.decode != nil || observation.write != nil {
            exact.change(Exact(work, mode, kind), from: Times()) { times in
                times.perStep.add(perStep)
                times.decode.add(observation.decode)
                times.write.add(observation.write)
            }
        }
        let load = observation.load.flatMap { $0 >= Self.leastLoad ? $0 : nil }
        for key in [mode, nil].map({ General(model: work.model, mode: $0, kind: kind.name) }) {
            general.change(key, from: Habits()) { habits in
                habits.load.add(load)
                habits.encode.add(observation.encode)
                habits.perStep.add(perStep.map { $0 / expected.perStep })
                habits.decode.add(observation.decode.map { $0 / expected.decode })
                habits.write.add(observation.write.map { $0 / expected.write })
                habits.rowShare.add(rowShare)
            }
        }
    }
}

extension CostModel.Exact {
    init(_ work: Work, _ mode: MemoryMode, _ kind: DeviceKind) {
        self.init(
            model: work.model,
            width: work.shape.width,
            height: work.shape.height,
            frames: work.shape.numFrames,
            isGuided: work.isGuided,
            stepCache: work.stepCache,
            mode: mode,
            kind: kind.name
        )
    }
}
