/// What `/metrics` answers: everything that is counted, and everything that is looked up for the answer.
package struct MetricsPage: Sendable {
    private let registry: PrometheusRegistry
    private let collectors: [MetricCollector]

    /// - Parameters:
    ///   - registry: has what is counted.
    ///   - collectors: give the rest, each for itself.
    package init(_ registry: PrometheusRegistry, collectors: [MetricCollector]) {
        self.registry = registry
        self.collectors = collectors
    }

    /// The whole of it, as of now.
    ///
    /// What does not answer in time is left out, and said to be missing.
    package func text() async -> String {
        let samples = await withTaskGroup(of: [MetricSample].self) { group in
            for collector in collectors {
                group.addTask {
                    let samples = await collector.samples()
                    let isUp = MetricSample("animato_collector_up", samples == nil ? 0 : 1, collector.name)
                    return (samples ?? []) + [isUp]
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        return PrometheusText.text(registry.snapshot(adding: samples))
    }
}
