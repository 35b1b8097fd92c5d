/// What a metric is: all that a reader of `/metrics` needs to know of it, and how it is counted.
package struct MetricDescription: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Only rises, from 0 at the start of the process.
        case counter
        case gauge
        /// - Parameter bounds: the upper bounds of the buckets, rising; that of infinity is understood.
        case histogram(bounds: [Double])
    }

    /// As Prometheus shows it, with its base unit, and `_total` if it is a counter.
    package var name: String
    package var kind: Kind
    /// One sentence.
    package var help: String
    /// The names of its labels, in order.
    ///
    /// What they may say is bounded.
    package var labels: [String]

    package init(_ name: String, _ kind: Kind, _ help: String, labels: [String] = []) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
    }
}
