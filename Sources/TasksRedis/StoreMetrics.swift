import Metrics
import Synchronization
import Tasks

/// How long the store's operations take, and how often they met others.
final class StoreMetrics: Sendable {
    private let factory: any MetricsFactory
    /// By the function that is the operation.
    private let timers = Mutex<[String: Metrics.Timer]>([:])
    private let conflicts = Mutex<[String: Counter]>([:])

    init() {
        factory = MetricsSystem.factory
    }

    /// Counts an operation that has ended.
    ///
    /// - Parameters:
    ///   - function: which it was, as `#function` has it; there are as many as the store has.
    ///   - started: when it was asked for.
    func ended(_ function: String, since started: ContinuousClock.Instant) {
        let duration = ContinuousClock.now - started
        timers.withLock { timers in
            if let known = timers[function] { return known }
            let made = Metrics.Timer(
                label: "animato_store_duration_seconds",
                dimensions: [("operation", Self.operation(function))],
                factory: factory
            )
            timers[function] = made
            return made
        }.record(duration: duration)
    }

    /// Counts a transaction that was decided anew because of what others had written.
    func conflicted(_ function: String) {
        conflicts.withLock { conflicts in
            if let known = conflicts[function] { return known }
            let made = Counter(
                label: "animato_store_conflicts_total",
                dimensions: [("operation", Self.operation(function))],
                factory: factory
            )
            conflicts[function] = made
            return made
        }.increment()
    }

    /// The name of a function as a label: `claim_deliveries` for `claimDeliveries(_:)`.
    private static func operation(_ function: String) -> String {
        var name = ""
        for character in function.prefix(while: { $0 != "(" }) {
            if character.isUppercase { name += "_" }
            name += character.lowercased()
        }
        return name
    }
}
