import Testing

@testable import Telemetry

struct MetricCatalogTests {
    @Test("No name is used twice, and each is one that Prometheus takes")
    func names() {
        let names = MetricCatalog.all.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(name)") }
    }

    @Test("Counters alone end with _total, and a histogram's bounds rise")
    func kinds() {
        for metric in MetricCatalog.all {
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            guard case .histogram(let bounds) = metric.kind else { continue }
            #expect(!bounds.isEmpty && bounds == Array(Set(bounds)).sorted(), "\(metric.name)")
        }
    }
}
