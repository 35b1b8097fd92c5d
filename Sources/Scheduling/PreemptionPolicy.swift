import Tasks

/// Decides which running generation makes way for one that waits and is more urgent.
///
/// Pure.
package struct PreemptionPolicy: Sendable, Equatable {
    /// A generation that has just begun is left alone for so long, or two that take turns would never end.
    package var leastRun: Duration

    package init(leastRun: Duration = .seconds(5)) {
        self.leastRun = leastRun
    }

    /// A generation that runs here.
    struct Running: Sendable, Equatable {
        var id: GenerationID
        var priority: Int
        /// Monotonic.
        var since: Duration
        var isMakingWay: Bool
    }

    /// Which one is to make way.
    ///
    /// - Parameters:
    ///   - priority: of the generation that would be claimed next.
    ///   - running: all that runs here, with no engine free.
    ///   - now: monotonic.
    /// - Returns: the least urgent; of equals the one that has run for the shortest time. `nil` if one makes way already.
    func victim(for priority: Int, among running: [Running], at now: Duration) -> GenerationID? {
        guard !running.contains(where: \.isMakingWay) else { return nil }
        return
            running
            .filter { $0.priority < priority && now - $0.since >= leastRun }
            .min { ($0.priority, $1.since) < ($1.priority, $0.since) }?
            .id
    }
}
