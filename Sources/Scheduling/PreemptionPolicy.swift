import Tasks

/// Decides which running generation makes way for one that waits and is more urgent.
///
/// Pure.
package struct PreemptionPolicy: Sendable, Equatable {
    /// A generation that has just begun is left alone for so long, or two that take turns would never end.
    package var leastRun: Duration
    /// By how much the waiting one must be more urgent; what is below 1 counts as 1.
    ///
    /// By default as much as `interactive` is above `batch`, so that only `batch` makes way, and only for `interactive`.
    package var leastGap: Int

    package init(
        leastRun: Duration = .seconds(5),
        leastGap: Int = TaskPriority.interactive.rank - TaskPriority.batch.rank
    ) {
        self.leastRun = leastRun
        self.leastGap = leastGap
    }

    /// A generation that runs here.
    struct Running: Sendable, Equatable {
        var id: GenerationID
        /// As asked for.
        var priority: Int
        /// Monotonic.
        var since: Duration
        var isMakingWay: Bool
    }

    /// Which one is to make way.
    ///
    /// - Parameters:
    ///   - priority: as asked for, of the generation that would be claimed next: what has become urgent by waiting alone
    ///     interrupts nobody.
    ///   - running: all that runs here, with no engine free.
    ///   - now: monotonic.
    /// - Returns: the least urgent; of equals the one that has run for the shortest time. `nil` if one makes way already.
    func victim(for priority: Int, among running: [Running], at now: Duration) -> GenerationID? {
        guard !running.contains(where: \.isMakingWay) else { return nil }
        return
            running
            .filter { isGap(from: $0.priority, to: priority) && now - $0.since >= leastRun }
            .min { ($0.priority, $1.since) < ($1.priority, $0.since) }?
            .id
    }

    /// Whether one could make way for the other, now or once it has run for long enough.
    ///
    /// - Parameters:
    ///   - running: priority of the one that runs.
    ///   - waiting: priority of the one that waits.
    /// - Returns: whether it is that much less urgent.
    func isGap(from running: Int, to waiting: Int) -> Bool {
        waiting - running >= max(1, leastGap)
    }
}
