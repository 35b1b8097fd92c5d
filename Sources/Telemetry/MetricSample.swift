/// One value that is looked up when somebody asks, rather than counted when it changes.
package struct MetricSample: Sendable, Equatable {
    /// Of a metric in the catalogue that is no histogram.
    package var name: String
    /// The values of its labels, in the order of the catalogue.
    package var labels: [String]
    package var value: Double

    package init(_ name: String, _ value: Double, _ labels: String...) {
        self.name = name
        self.labels = labels
        self.value = value
    }

    package init(_ name: String, _ value: Int, _ labels: String...) {
        self.name = name
        self.labels = labels
        self.value = Double(value)
    }
}

/// A metric at one moment, with all of its series.
struct MetricSnapshot: Equatable {
    struct Series: Equatable {
        var labels: [String]
        var value: Value
    }

    enum Value: Equatable {
        case number(Double)
        case histogram(HistogramCounts)
    }

    var description: MetricDescription
    /// Sorted by their labels.
    var series: [Series]
}

/// What a histogram has seen.
struct HistogramCounts: Equatable {
    /// How many were in each bucket alone; the last is that beyond all bounds.
    var buckets: [UInt64]
    var sum: Double = 0

    init(bounds: Int) {
        buckets = Array(repeating: 0, count: bounds + 1)
    }
}
