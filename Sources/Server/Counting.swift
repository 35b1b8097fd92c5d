import Logging
import Metrics
import Telemetry

/// Counts what happens in this process.
enum Counting {
    /// Begins to count, for as long as the process lives; once, before anything is built that counts.
    ///
    /// - Returns: what has the counts.
    static func begin() -> PrometheusRegistry {
        let registry = PrometheusRegistry { fault in
            Logger(label: "animato").error(
                "A metric is not counted",
                metadata: ["metric": "\(fault.name)", "code": "\(fault.code)"]
            )
        }
        MetricsSystem.bootstrap(registry)
        return registry
    }
}
