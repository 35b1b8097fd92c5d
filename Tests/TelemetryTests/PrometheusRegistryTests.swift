import Metrics
import Synchronization
import Testing

@testable import Telemetry

struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry(
        catalog: [
            MetricDescription("seen_total", .counter, "Things.", labels: ["kind", "colour"]),
            MetricDescription("level", .gauge, "Of water."),
            MetricDescription("wait_seconds", .histogram(bounds: [0.5, 1]), "Of people.", labels: ["kind"]),
        ],
        seriesLimit: 3
    )

    private var text: String { PrometheusText.text(registry.snapshot(adding: [])) }

    @Test("Handles of the same labels, in whatever order, count the same series")
    func sharedSeries() {
        let one = Counter(label: "seen_total", dimensions: [("kind", "a"), ("colour", "red")], factory: registry)
        let two = Counter(label: "seen_total", dimensions: [("colour", "red"), ("kind", "a")], factory: registry)
        one.increment()
        two.increment(by: 2)
        #expect(
            text == "# HELP seen_total Things.\n# TYPE seen_total counter\nseen_total{kind=\"a\",colour=\"red\"} 3\n")
    }

    @Test("A counter begins at 0, never falls, and takes nothing that is no number")
    func counters() {
        let counter = FloatingPointCounter(
            label: "seen_total", dimensions: [("kind", "a"), ("colour", "b")], factory: registry)
        #expect(text.contains("} 0\n"))
        counter.increment(by: 0.5)
        counter.increment(by: -1)
        counter.increment(by: Double.infinity)
        counter.increment(by: Double.nan)
        Counter(label: "seen_total", dimensions: [("kind", "a"), ("colour", "b")], factory: registry).increment(by: -5)
        #expect(text.contains("} 0.5\n"))
    }

    @Test("A gauge shows the last of what meters and recorders without aggregation say")
    func gauges() {
        let meter = Meter(label: "level", factory: registry)
        meter.set(5)
        meter.increment(by: 2.5)
        meter.decrement()
        #expect(text.contains("level 6.5\n"))
        Gauge(label: "level", factory: registry).record(-3)
        #expect(text.contains("level -3\n"))
    }

    @Test("Buckets of a histogram hold what is at most their bound, in seconds, and the last holds all")
    func histograms() {
        let timer = Metrics.Timer(label: "wait_seconds", dimensions: [("kind", "a")], factory: registry)
        timer.recordMilliseconds(500)
        timer.recordMilliseconds(750)
        timer.recordSeconds(3)
        Recorder(label: "wait_seconds", dimensions: [("kind", "a")], factory: registry).record(Double.nan)
        #expect(
            text == """
                # HELP wait_seconds Of people.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{kind="a",le="0.5"} 1
                wait_seconds_bucket{kind="a",le="1"} 2
                wait_seconds_bucket{kind="a",le="+Inf"} 3
                wait_seconds_sum{kind="a"} 4.25
                wait_seconds_count{kind="a"} 3

                """
        )
    }

    @Test("What the catalogue does not have is not counted, and told once")
    func faults() {
        let told = Mutex<[MetricFault]>([])
        let registry = PrometheusRegistry(
            catalog: [
                MetricDescription("seen_total", .counter, "Things.", labels: ["kind"]),
                MetricDescription("wait_seconds", .histogram(bounds: [1]), "Of people."),
            ]
        ) { fault in told.withLock { $0.append(fault) } }
        for _ in 0..<3 {
            Counter(label: "unheard_total", factory: registry).increment()
            Counter(label: "seen_total", factory: registry).increment()
            Counter(label: "seen_total", dimensions: [("colour", "red")], factory: registry).increment()
            Meter(label: "seen_total", dimensions: [("kind", "a")], factory: registry).set(7)
            Metrics.Timer(label: "seen_total", dimensions: [("kind", "a")], factory: registry).recordSeconds(1)
            Gauge(label: "wait_seconds", factory: registry).record(1)
        }
        #expect(registry.snapshot(adding: []).isEmpty)
        #expect(
            told.withLock { $0 } == [
                .unknownName("unheard_total"), .otherLabels("seen_total"), .otherKind("seen_total"),
                .otherKind("wait_seconds"),
            ]
        )
        #expect(registry.faults.count == 4)
    }

    @Test("A metric has so many series at most; those that are there go on")
    func bound() {
        for kind in ["a", "b", "c", "d", "e", "a"] {
            Metrics.Timer(label: "wait_seconds", dimensions: [("kind", kind)], factory: registry).recordSeconds(1)
        }
        let series = registry.snapshot(adding: []).flatMap(\.series)
        #expect(series.map(\.labels) == [["a"], ["b"], ["c"]])
        #expect(registry.faults == [.tooManySeries("wait_seconds")])
        #expect(text.contains("wait_seconds_count{kind=\"a\"} 2\n"))
    }

    @Test("What is destroyed is shown no more, and begins anew")
    func destruction() {
        let meter = Meter(label: "level", factory: registry)
        meter.set(1)
        meter.destroy()
        #expect(text.isEmpty)
        let again = Meter(label: "level", factory: registry)
        again.set(2)
        // Its series is gone already; the new one stays.
        meter.destroy()
        #expect(text.contains("level 2\n"))
        again.destroy()
        let counter = Counter(label: "seen_total", dimensions: [("kind", "a"), ("colour", "b")], factory: registry)
        counter.increment()
        counter.destroy()
        let timer = Metrics.Timer(label: "wait_seconds", dimensions: [("kind", "a")], factory: registry)
        timer.destroy()
        #expect(text.isEmpty)
    }

    @Test("Nothing is lost where many count at once, and every look is consistent")
    func concurrency() async {
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                group.addTask { [registry] in
                    let dimensions = [("kind", "\(index % 2)")]
                    for _ in 0..<2_000 {
                        Metrics.Timer(label: "wait_seconds", dimensions: dimensions, factory: registry)
                            .recordMilliseconds(750)
                    }
                }
            }
            group.addTask { [registry] in
                for _ in 0..<200 {
                    for series in registry.snapshot(adding: []).flatMap(\.series) {
                        guard case .histogram(let counts) = series.value else { continue }
                        #expect(counts.sum == Double(counts.buckets.reduce(0, +)) * 0.75)
                    }
                    await Task.yield()
                }
            }
        }
        let counts = registry.snapshot(adding: []).flatMap(\.series).map { series in
            guard case .histogram(let counts) = series.value else { return UInt64(0) }
            return counts.buckets.reduce(0, +)
        }
        #expect(counts == [8_000, 8_000])
    }

    @Test("Looked up values stand among the counted, in the order of the catalogue and of their labels")
    func samples() {
        Counter(label: "seen_total", dimensions: [("kind", "b"), ("colour", "x")], factory: registry).increment()
        let text = PrometheusText.text(
            registry.snapshot(adding: [
                MetricSample("level", 1.5), MetricSample("seen_total", 4, "a", "y"), MetricSample("unheard", 1),
                MetricSample("seen_total", 1, "too few"),
            ])
        )
        #expect(
            text == """
                # HELP seen_total Things.
                # TYPE seen_total counter
                seen_total{kind="a",colour="y"} 4
                seen_total{kind="b",colour="x"} 1
                # HELP level Of water.
                # TYPE level gauge
                level 1.5

                """
        )
    }
}
