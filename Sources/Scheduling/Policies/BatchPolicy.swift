package import Tasks

/// Decides which generations share a pass of the model, and whether one waits for others to come.
///
/// Pure.
package struct BatchPolicy: Sendable, Equatable {
    package enum Decision: Sendable, Equatable {
        /// These share a pass that starts now; the head is the first.
        case start([GenerationID])
        /// Until that second of the caller's clock, others may come.
        case wait(until: Double)
    }

    /// Generations that may share a pass; at least 1.
    package var size: Int
    /// How long a generation may wait for others to share its pass with, counted from when it began to wait.
    package var window: Duration

    package init(size: Int = 1, window: Duration = .zero) {
        self.size = max(1, size)
        self.window = window
    }

    /// Who shares the pass of a head.
    ///
    /// - Parameters:
    ///   - head: what is to start.
    ///   - companions: those that could share its pass, in fair order.
    ///   - limit: what the model can do beside the setting.
    ///   - waited: seconds since the head could have started.
    ///   - now: seconds of the caller's clock.
    ///   - fits: whether a pass of so many has room on the device; that of one has.
    /// - Returns: those that start together, or how long to wait for more.
    package func decide(
        head: WaitingGeneration,
        companions: [WaitingGeneration],
        limit: Int = .max,
        waited: Double,
        now: Double,
        fits: (Int) -> Bool
    ) -> Decision {
        let most = min(size, limit)
        guard most > 1, head.batchKey != nil, !head.hasStarted else { return .start([head.id]) }
        let there = min(most, companions.count + 1)
        var count = 1
        while count < there, fits(count + 1) { count += 1 }
        let canGrow = count == there && count < most && fits(count + 1)
        let left = window.inSeconds - waited
        if canGrow, left > 0 { return .wait(until: now + left) }
        return .start([head.id] + companions.prefix(count - 1).map(\.id))
    }
}
