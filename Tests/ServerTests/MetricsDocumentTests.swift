import Foundation
import Telemetry
import Testing

struct MetricsDocumentTests {
    @Test("docs/metrics.md lists every metric as the program has it, and no other")
    func document() throws {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: repository.appending(path: "docs/metrics.md"), encoding: .utf8)
        let all = try #require(text.components(separatedBy: "## All metrics").last)
        let tables = try #require(all.components(separatedBy: "## What labels say").first)
        let documented = tables.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        let expected = MetricCatalog.all.map { metric in
            let labels = metric.labels.isEmpty ? "–" : metric.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(metric.name)` | \(Self.word(metric.kind)) | \(labels) | \(metric.help) |"
        }
        #expect(documented == expected)
    }

    private static func word(_ kind: MetricDescription.Kind) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
