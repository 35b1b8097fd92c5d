import Metrics
import Tasks
import TestSupport
import Testing

@testable import Scheduling
@testable import Telemetry

struct SchedulingMetricsTests {
    /// What a registry has counted under a name and labels.
    private func value(_ registry: PrometheusRegistry, _ name: String, _ labels: String...) -> Double? {
        let metric = registry.snapshot(adding: []).first { $0.description.name == name }
        switch metric?.series.first(where: { $0.labels == labels })?.value {
        case .number(let number): return number
        case .histogram(let counts): return Double(counts.buckets.reduce(0, +))
        case nil: return nil
        }
    }

    @Test("What becomes of tasks is counted, each once, and nothing under a name that nobody knows")
    func counts() async throws {
        let registry = PrometheusRegistry()
        let engine = ScriptedEngine()
        try await withMetricsFactory(registry) {
            try await SchedulerWorld.with([engine]) { world in
                let first = try await world.submit("a", key: "k").task.id
                _ = try await world.task(first, reaches: .succeeded)
                _ = try await world.submit("a")
                _ = try await world.submit("a", key: "k")
                let failed = try await world.submit("@invalid b", priority: .batch).task.id
                _ = try await world.task(failed, reaches: .failed)
                let crashed = try await world.submit("@crash c").task.id
                _ = try await world.task(crashed, reaches: .failed)
                let hanging = try await world.submit("@hang d", priority: .interactive).task.id
                _ = try await world.submit("@hang d", priority: .interactive)
                _ = try await world.task(hanging, reaches: .running)
                _ = try await world.scheduler.cancel(hanging, of: .standard)
                #expect(value(registry, "animato_generations_total", "cancelled", "none") == 0)
                let other = try await world.scheduler.tasks(matching: TaskQuery(tenant: .standard, limit: 1)).tasks
                    .first
                _ = try await world.scheduler.cancel(try #require(other).id, of: .standard)
            }
        }
        #expect(value(registry, "animato_submissions_total", "queued", "normal") == 2)
        #expect(value(registry, "animato_submissions_total", "queued", "batch") == 1)
        #expect(value(registry, "animato_submissions_total", "joined", "interactive") == 1)
        #expect(value(registry, "animato_submissions_total", "cached", "normal") == 1)
        #expect(value(registry, "animato_submissions_total", "replayed", "normal") == 1)
        #expect(value(registry, "animato_generations_total", "succeeded", "none") == 1)
        #expect(value(registry, "animato_generations_total", "failed", "invalid_request") == 1)
        #expect(value(registry, "animato_generations_total", "failed", "engine_crashed") == 1)
        #expect(value(registry, "animato_generations_total", "cancelled", "none") == 1)
        #expect(value(registry, "animato_requeues_total", "engine_crashed") == 2)
        // Of the one that crashed only the first of its waits.
        #expect(value(registry, "animato_queue_seconds", "normal") == 2)
        #expect(value(registry, "animato_pass_generations") == 6)
        #expect(registry.faults == [])
    }

    @Test("A lack of memory is counted by its stage, and the attempt after it as one more")
    func outOfMemory() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(registry) {
            try await SchedulerWorld.with([ScriptedEngine()]) { world in
                let id = try await world.submit("@oom a").task.id
                _ = try await eventually("an end") {
                    try await world.scheduler.task(id, of: .standard).flatMap { $0.status.isTerminal ? $0 : nil }
                }
            }
        }
        let all = registry.snapshot(adding: []).first { $0.description.name == "animato_out_of_memory_total" }
        let lacks = (all?.series ?? []).reduce(0.0) { sum, series in
            if case .number(let number) = series.value { sum + number } else { sum }
        }
        #expect(lacks >= 1)
        #expect(registry.faults == [])
    }

    @Test("A code that does not look like one is shown as other")
    func labels() {
        for code in ["", "a b", "Ä", "A", "a\"", String(repeating: "x", count: 65)] {
            #expect(SchedulingMetrics.label(code) == "other")
        }
        #expect(SchedulingMetrics.label("out_of_memory") == "out_of_memory")
    }

    @Test("Only as many predictions are kept as may be, and a wrong one is no ratio")
    func predictions() {
        let registry = PrometheusRegistry()
        withMetricsFactory(registry) {
            let metrics = SchedulingMetrics(devices: ["cpu"])
            metrics.predicted(GenerationID(rawValue: 1), seconds: 0)
            for id in 2...20_000 { metrics.predicted(GenerationID(rawValue: Int64(id)), seconds: 1) }
            #expect((5_000...10_000).contains(metrics.predictionCount))
            for id in 1...20_000 { metrics.failed(GenerationID(rawValue: Int64(id)), "x") }
            metrics.began(3, on: "cpu", afterIdle: 1.5)
            metrics.began(1, on: "elsewhere", afterIdle: 7)
        }
        #expect(value(registry, "animato_eta_ratio") == 0)
        #expect(value(registry, "animato_device_idle_seconds_total", "cpu") == 1.5)
        #expect(value(registry, "animato_generations_total", "failed", "x") == 20_000)
        #expect(registry.faults == [])
    }
}
