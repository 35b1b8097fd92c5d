package import Tasks

/// What the cost and the memory of a model's work depend on.
package struct ModelFacts: Sendable, Equatable {
    package var name: String
    /// The kind of model: `easyanimate`, `wan`.
    package var family: String
    /// Bytes of all its weights.
    package var weightBytes: Int64
    /// Those that may be used, the fastest first; never empty.
    package var memoryModes: [MemoryMode]
    /// What is known to fit where; empty if nothing is.
    package var memoryTable: [MemoryFit]
    /// The operator's choice, which counts more than the table; `nil`: what suits the device.
    package var wantedMode: MemoryMode?

    package init(
        name: String,
        family: String = "easyanimate",
        weightBytes: Int64 = 0,
        memoryModes: [MemoryMode] = [.full],
        memoryTable: [MemoryFit] = [],
        wanted: MemoryMode? = nil
    ) {
        self.name = name
        self.family = family
        self.weightBytes = weightBytes
        let known = memoryModes.isEmpty ? [.full] : memoryModes
        let allowed = known.filter { wanted.map($0.isAtLeastAsSparing) ?? true }
        self.memoryModes = allowed.isEmpty ? Array(known.suffix(1)) : allowed
        self.memoryTable = memoryTable
        wantedMode = wanted == nil ? nil : self.memoryModes.first
    }

    /// What an engine declares of a model.
    ///
    /// - Parameters:
    ///   - model: as declared.
    ///   - wanted: the operator's memory mode; the next more sparing one is taken where the model does not have it.
    package init(_ model: ModelDescription, wanted: MemoryMode? = nil) {
        self.init(
            name: model.name,
            family: model.family,
            weightBytes: model.weightBytes,
            memoryModes: model.memoryModes,
            memoryTable: model.memoryTable,
            wanted: wanted
        )
    }
}

extension MemoryMode {
    /// Whether it needs no more memory than another.
    func isAtLeastAsSparing(as other: MemoryMode) -> Bool { self >= other }
}

extension WaitingGeneration {
    /// What its next attempt makes: what was asked for, less what an earlier attempt has led to.
    var plannedWork: Work {
        guard plan != AttemptPlan() else { return work }
        var work = work
        if let steps = plan.steps { work.steps = min(steps, work.steps) }
        if let level = plan.stepCache { work.stepCache = max(level, work.stepCache) }
        if let shape = plan.shape {
            work.shape.width = min(shape.width, work.shape.width)
            work.shape.height = min(shape.height, work.shape.height)
            work.shape.numFrames = min(shape.numFrames, work.shape.numFrames)
        }
        return work
    }
}
