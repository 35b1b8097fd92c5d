import Metrics

/// What is counted of an engine's process.
struct EngineMetrics: Sendable {
    private let factory: any MetricsFactory
    private let device: String
    private let loads: Counter

    init(device: String) {
        factory = MetricsSystem.factory
        self.device = device
        loads = Counter(label: "animato_engine_loads_total", dimensions: [("device", device)])
        // The most usual reason has a series from the start on.
        _ = restarts("engine_crashed")
    }

    func loaded() {
        loads.increment()
    }

    /// Counts the end of a process that nobody had asked for.
    func ended(_ code: String) {
        restarts(code).increment()
    }

    private func restarts(_ code: String) -> Counter {
        Counter(
            label: "animato_engine_restarts_total",
            dimensions: [("device", device), ("code", code)],
            factory: factory
        )
    }
}
