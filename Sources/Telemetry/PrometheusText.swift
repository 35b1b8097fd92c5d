/// The text that Prometheus reads, version 0.0.4.
enum PrometheusText {
    static func text(_ metrics: [MetricSnapshot]) -> String {
        var text = ""
        for metric in metrics { write(metric, to: &text) }
        return text
    }

    private static func write(_ metric: MetricSnapshot, to text: inout String) {
        let description = metric.description
        text += "# HELP \(description.name) \(escaped(description.help, quotes: false))\n"
        text += "# TYPE \(description.name) \(description.kind.word)\n"
        for series in metric.series {
            let labels = zip(description.labels, series.labels).map { "\($0)=\"\(escaped($1, quotes: true))\"" }
            switch series.value {
            case .number(let value): line(description.name, labels, number(value), to: &text)
            case .histogram(let counts): write(counts, description, labels, to: &text)
            }
        }
    }

    private static func write(
        _ counts: HistogramCounts,
        _ description: MetricDescription,
        _ labels: [String],
        to text: inout String
    ) {
        guard case .histogram(let bounds) = description.kind else { return }
        var count: UInt64 = 0
        for (bucket, bound) in zip(counts.buckets, bounds + [.infinity]) {
            count += bucket
            line(description.name + "_bucket", labels + ["le=\"\(number(bound))\""], "\(count)", to: &text)
        }
        line(description.name + "_sum", labels, number(counts.sum), to: &text)
        line(description.name + "_count", labels, "\(count)", to: &text)
    }

    private static func line(_ name: String, _ labels: [String], _ value: String, to text: inout String) {
        text += name
        if !labels.isEmpty { text += "{\(labels.joined(separator: ","))}" }
        text += " \(value)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }

    /// Text with nothing in it that would end it.
    ///
    /// - Parameters:
    ///   - value: the text.
    ///   - quotes: whether it stands between quotation marks.
    /// - Returns: the text as the format has it.
    static func escaped(_ value: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension MetricDescription.Kind {
    /// As the format has it.
    var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
