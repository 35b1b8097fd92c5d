import Metrics
import Synchronization

/// What is counted under one name and one set of labels; the handlers that swift-metrics writes to.
protocol MetricSeries: AnyObject, Sendable {
    var name: String { get }
    /// In the order of the catalogue.
    var labels: [String] { get }
    var value: MetricSnapshot.Value { get }
}

/// Only rises.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
    let name: String
    let labels: [String]
    private let total = Mutex(0.0)

    init(name: String, labels: [String]) {
        self.name = name
        self.labels = labels
    }

    func increment(by amount: Int64) {
        increment(by: Double(amount))
    }

    /// Adds what can be added: a counter that falls, or is no number any more, would be read as a restart.
    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        total.withLock { $0 += amount }
    }

    func reset() {
        total.withLock { $0 = 0 }
    }

    var value: MetricSnapshot.Value { .number(total.withLock { $0 }) }
}

/// Says how much there is of something now.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    let name: String
    let labels: [String]
    private let current = Mutex(0.0)

    init(name: String, labels: [String]) {
        self.name = name
        self.labels = labels
    }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.withLock { $0 = value } }
    func increment(by amount: Double) { current.withLock { $0 += amount } }
    func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    var value: MetricSnapshot.Value { .number(current.withLock { $0 }) }
}

/// Counts by size.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    let name: String
    let labels: [String]
    private let bounds: [Double]
    private let counts: Mutex<HistogramCounts>

    init(name: String, labels: [String], bounds: [Double]) {
        self.name = name
        self.labels = labels
        self.bounds = bounds
        counts = Mutex(HistogramCounts(bounds: bounds.count))
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// Counts what has a size: one that has none would spoil the sum for good.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        // A linear search is the quickest among so few.
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts.withLock {
            $0.buckets[bucket] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    /// Buckets and sum of the same moment.
    var value: MetricSnapshot.Value { .histogram(counts.withLock { $0 }) }
}
