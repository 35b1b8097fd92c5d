import Synchronization
import Testing

@testable import Telemetry

struct MetricCollectorTests {
    private let registry = PrometheusRegistry(
        catalog: [
            MetricDescription("level", .gauge, "Of water."),
            MetricDescription("animato_collector_up", .gauge, "1 or 0.", labels: ["collector"]),
        ]
    )

    @Test("What was seen a moment ago is not looked for again")
    func freshness() async {
        let looks = Mutex(0)
        let collector = MetricCollector("water", freshness: .seconds(60)) {
            [
                MetricSample(
                    "level",
                    looks.withLock {
                        $0 += 1; return $0
                    })
            ]
        }
        for _ in 0..<3 { #expect(await collector.samples() == [MetricSample("level", 1)]) }
        let eager = MetricCollector("water", freshness: .zero) {
            [
                MetricSample(
                    "level",
                    looks.withLock {
                        $0 += 1; return $0
                    })
            ]
        }
        #expect(await eager.samples() == [MetricSample("level", 2)])
        #expect(await eager.samples() == [MetricSample("level", 3)])
    }

    @Test("For what hangs so many wait and no more")
    func crowd() async {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let hanging = MetricCollector("water", freshness: .zero, timeLimit: .seconds(60)) {
            for await _ in gate { break }
            return [MetricSample("level", 7)]
        }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<MetricCollector.maximumWaiting + 5 {
                group.addTask { await hanging.samples() != nil }
            }
            // Those that are too many are answered although the look goes on.
            for _ in 0..<5 { #expect(await group.next() == false) }
            open.yield()
            for await isAnswered in group { #expect(isAnswered) }
        }
    }

    @Test("What hangs holds up nobody, is looked at once at a time, and is shown when it has answered")
    func hanging() async {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let looks = Mutex(0)
        let hanging = MetricCollector("water", freshness: .seconds(60), timeLimit: .milliseconds(50)) {
            looks.withLock { $0 += 1 }
            for await _ in gate { break }
            return [MetricSample("level", 7)]
        }
        let page = MetricsPage(registry, collectors: [hanging, MetricCollector("air") { [] }])
        for _ in 0..<2 {
            let text = await page.text()
            #expect(text.contains("animato_collector_up{collector=\"water\"} 0\n"))
            #expect(text.contains("animato_collector_up{collector=\"air\"} 1\n"))
            #expect(!text.contains("level"))
        }
        #expect(looks.withLock { $0 } == 1)
        open.yield()
        var text = ""
        for _ in 0..<100 where !text.contains("level 7\n") { text = await page.text() }
        #expect(text.contains("level 7\n"))
        #expect(text.contains("animato_collector_up{collector=\"water\"} 1\n"))
        #expect(looks.withLock { $0 } == 1)
    }

    @Test("What cannot be looked up now is left out and said to be missing")
    func absence() async {
        let page = MetricsPage(registry, collectors: [MetricCollector("water") { nil }])
        #expect(await page.text().contains("animato_collector_up{collector=\"water\"} 0\n"))
    }

    @Test("Those who ask at the same time share one look")
    func sharing() async {
        let looks = Mutex(0)
        let collector = MetricCollector("water") {
            looks.withLock { $0 += 1 }
            try? await Task.sleep(for: .milliseconds(50))
            return [MetricSample("level", 1)]
        }
        await withTaskGroup(of: [MetricSample]?.self) { group in
            for _ in 0..<20 { group.addTask { await collector.samples() } }
            for await samples in group { #expect(samples == [MetricSample("level", 1)]) }
        }
        #expect(looks.withLock { $0 } == 1)
    }
}
