package import Tasks

/// Decides which generation an engine takes next.
///
/// Pure. One step at a time: the caller carries it out, changes its views, and asks again, until there is nothing to do.
///
/// - The heads are served in their order. Whatever nothing free can take is left for later, and the first such one has a
///   device reserved on which it is predicted to start first; others get that only where they do not make it start later
///   (EASY backfill: Lifka, "The ANL/IBM SP scheduling system", 1995).
/// - A device can take what is predicted to fit into its memory in some mode, beside what its other engines have. What
///   is predicted to fit nowhere at all is tried on the largest device alone, in the most sparing mode: predictions may be
///   wrong, and if not, the lack of memory says so to whoever asked.
/// - Among those that can, the score is `utilisationWeight`·(1 − utilisation) + `memoryWeight`·(free / total), and
///   `warmBonus` where the engine holds the model; then the one that is done first, then the first.
package struct PlacementPolicy: Sendable, Equatable {
    /// How much it counts that a device is not in use by others.
    package var utilisationWeight: Double
    /// How much it counts that the memory of a device is free.
    package var memoryWeight: Double
    /// How much it counts that an engine holds the model and the LoRAs; of the model alone a large part.
    ///
    /// The default is the most that the others can add up to: reading some tens of gigabytes costs more than they tell of.
    package var warmBonus: Double

    package init(utilisationWeight: Double = 0.7, memoryWeight: Double = 0.3, warmBonus: Double = 1) {
        self.utilisationWeight = utilisationWeight
        self.memoryWeight = memoryWeight
        self.warmBonus = warmBonus
    }

    /// What to do next.
    ///
    /// - Parameters:
    ///   - heads: the first of each lane that may start now, in fair order; one without a model of `models` is passed over.
    ///   - devices: all there are, also those that cannot take anything now.
    ///   - models: by name.
    ///   - costs: for how long a device is taken.
    ///   - memory: for how much of it.
    ///   - reserved: what the last call left; the caller only keeps it.
    ///   - now: seconds of the caller's clock.
    /// - Returns: one step.
    package func next(
        heads: [WaitingGeneration],
        devices: [DeviceView],
        models: [String: ModelFacts],
        costs: CostModel,
        memory: MemoryModel,
        reserved: inout Reservation?,
        now: Double
    ) -> PlacementStep {
        let previous = reserved
        reserved = nil
        guard !heads.isEmpty else { return .nothing(until: nil) }
        var round = PlacementRound(policy: self, devices: devices, costs: costs, memory: memory, now: now)
        // Nothing is free: nobody can be overtaken, and there is nothing to keep.
        guard round.hasOpenDevices else { return .nothing(until: nil) }
        for head in heads {
            guard let facts = models[head.work.model] else { continue }
            round.begin(head, facts)
            if let step = round.step() {
                reserved = round.reserved
                return step
            }
            round.reserve(previous)
        }
        reserved = round.reserved
        return .nothing(until: nil)
    }
}
