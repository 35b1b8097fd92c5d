import Synchronization

/// All series of one metric.
final class MetricFamily: Sendable {
    private let description: MetricDescription
    private let limit: Int
    private let series = Mutex<[[String]: any MetricSeries]>([:])

    /// - Parameters:
    ///   - description: of the metric.
    ///   - limit: the most series that there may be.
    init(_ description: MetricDescription, limit: Int) {
        self.description = description
        self.limit = limit
    }

    var snapshot: [MetricSnapshot.Series] {
        series.withLock { $0.values.map { MetricSnapshot.Series(labels: $0.labels, value: $0.value) } }
    }

    /// The series of a set of labels, a new one if there is none.
    func series<Series: MetricSeries>(
        _ dimensions: [(String, String)],
        _ new: (MetricDescription, [String]) -> Series?
    ) throws(MetricFault) -> Series {
        let labels = try ordered(dimensions)
        let result: Result<Series, MetricFault> = series.withLock { series in
            if let known = series[labels] {
                guard let known = known as? Series else { return .failure(.otherKind(description.name)) }
                return .success(known)
            }
            guard series.count < limit else { return .failure(.tooManySeries(description.name)) }
            guard let made = new(description, labels) else { return .failure(.otherKind(description.name)) }
            series[labels] = made
            return .success(made)
        }
        return try result.get()
    }

    /// Forgets a series; one that has taken its place stays.
    func remove(_ gone: any MetricSeries) {
        series.withLock { series in
            if series[gone.labels] === gone { series[gone.labels] = nil }
        }
    }

    /// The values of labels in the order of the catalogue.
    private func ordered(_ dimensions: [(String, String)]) throws(MetricFault) -> [String] {
        guard dimensions.count == description.labels.count else { throw .otherLabels(description.name) }
        var values: [String] = []
        for name in description.labels {
            guard let value = dimensions.first(where: { $0.0 == name })?.1 else {
                throw .otherLabels(description.name)
            }
            values.append(value)
        }
        return values
    }
}
