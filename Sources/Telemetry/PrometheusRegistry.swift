package import Metrics
import Synchronization

/// Counts the metrics of the catalogue, for swift-metrics.
///
/// A label of swift-metrics is the name of a metric in the catalogue, and its dimensions are that metric's labels, in any
/// order. What is not in the catalogue is not counted: nobody who reads it could know what it means.
package final class PrometheusRegistry: MetricsFactory {
    private let catalog: [MetricDescription]
    private let families: [String: MetricFamily]
    private let onFault: @Sendable (MetricFault) -> Void
    private let found = Mutex<Set<MetricFault>>([])

    /// Makes a registry in which nothing is counted yet.
    ///
    /// - Parameters:
    ///   - catalog: what there is to count.
    ///   - seriesLimit: how many sets of labels one metric may have.
    ///   - onFault: told of what is not counted, once for each name and reason.
    package init(
        catalog: [MetricDescription] = MetricCatalog.all,
        seriesLimit: Int = 1_000,
        onFault: @escaping @Sendable (MetricFault) -> Void = { _ in }
    ) {
        self.catalog = catalog
        families = Dictionary(
            catalog.map { ($0.name, MetricFamily($0, limit: seriesLimit)) },
            uniquingKeysWith: { first, _ in first }
        )
        self.onFault = onFault
    }

    /// What was asked to be counted and is not.
    package var faults: Set<MetricFault> { found.withLock { $0 } }

    /// Everything that is counted or was looked up, in the order of the catalogue.
    ///
    /// - Parameter samples: what was looked up.
    /// - Returns: metrics that have series.
    func snapshot(adding samples: [MetricSample]) -> [MetricSnapshot] {
        let collected = Dictionary(grouping: samples, by: \.name)
        return catalog.compactMap { description in
            var series = families[description.name]?.snapshot ?? []
            for sample in collected[description.name] ?? [] where sample.labels.count == description.labels.count {
                series.append(.init(labels: sample.labels, value: .number(sample.value)))
            }
            guard !series.isEmpty else { return nil }
            series.sort { $0.labels.lexicographicallyPrecedes($1.labels) }
            return MetricSnapshot(description: description, series: series)
        }
    }

    // MARK: What swift-metrics asks for

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(label, dimensions) { $0.kind == .counter ? CounterSeries(name: $0.name, labels: $1) : nil }
            ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        make(label, dimensions) { $0.kind == .counter ? CounterSeries(name: $0.name, labels: $1) : nil }
            ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        make(label, dimensions) { $0.kind == .gauge ? GaugeSeries(name: $0.name, labels: $1) : nil }
            ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if !aggregate {
            return make(label, dimensions) { $0.kind == .gauge ? GaugeSeries(name: $0.name, labels: $1) : nil }
                ?? NOOPMetricsHandler.instance
        }
        return makeHistogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        makeHistogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

    // MARK: Series

    private func makeHistogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries? {
        make(label, dimensions) { description, labels in
            guard case .histogram(let bounds) = description.kind else { return nil }
            return HistogramSeries(name: description.name, labels: labels, bounds: bounds)
        }
    }

    /// The series of a name and its labels, which may be there already.
    ///
    /// - Parameters:
    ///   - name: of the metric.
    ///   - dimensions: its labels.
    ///   - new: makes one; `nil` if the metric is of another kind.
    /// - Returns: `nil` if it is not to be counted.
    private func make<Series: MetricSeries>(
        _ name: String,
        _ dimensions: [(String, String)],
        _ new: (MetricDescription, [String]) -> Series?
    ) -> Series? {
        do throws(MetricFault) {
            guard let family = families[name] else { throw .unknownName(name) }
            return try family.series(dimensions, new)
        } catch {
            report(error)
            return nil
        }
    }

    private func destroy(_ handler: AnyObject) {
        guard let series = handler as? any MetricSeries else { return }
        families[series.name]?.remove(series)
    }

    private func report(_ fault: MetricFault) {
        // As many as there can be without a name that is made up anew each time.
        let isNew = found.withLock { $0.count < 4 * catalog.count + 100 && $0.insert(fault).inserted }
        if isNew { onFault(fault) }
    }
}

/// Why something is not counted.
package enum MetricFault: Error, Hashable, Sendable {
    case unknownName(String)
    case otherLabels(String)
    case otherKind(String)
    /// More sets of labels than a metric may have.
    case tooManySeries(String)

    package var name: String {
        switch self {
        case .unknownName(let name), .otherLabels(let name), .otherKind(let name), .tooManySeries(let name): name
        }
    }

    package var code: String {
        switch self {
        case .unknownName: "unknown_name"
        case .otherLabels: "other_labels"
        case .otherKind: "other_kind"
        case .tooManySeries: "too_many_series"
        }
    }
}
