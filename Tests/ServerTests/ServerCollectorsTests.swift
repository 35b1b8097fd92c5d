import Scheduling
import Tasks
import Telemetry
import Testing

@testable import Server

struct ServerCollectorsTests {
    private func usage(_ name: String, waiting: Int = 0, running: Int = 0, seconds: Double = 0) -> TenantUsage {
        TenantUsage(
            tenant: TenantID(rawValue: name), waiting: waiting, running: running, deviceSecondsToday: seconds)
    }

    @Test("The busiest tenants have names, the rest is one, and nothing is left out of the sums")
    func tenants() {
        let samples = ServerCollectors.samples(
            [
                usage("idle", seconds: 5), usage("small", waiting: 1), usage("big", waiting: 3, running: 1),
                usage("former", seconds: 9),
            ],
            limit: 2
        )
        #expect(
            samples == [
                MetricSample("active_tasks", 1), MetricSample("waiting_tasks", 4),
                MetricSample("animato_tenant_waiting_tasks", 3, "big"),
                MetricSample("animato_tenant_running_tasks", 1, "big"),
                MetricSample("animato_tenant_device_seconds", 0, "big"),
                MetricSample("animato_tenant_waiting_tasks", 1, "small"),
                MetricSample("animato_tenant_running_tasks", 0, "small"),
                MetricSample("animato_tenant_device_seconds", 0, "small"),
                MetricSample("animato_tenant_waiting_tasks", 0, "other"),
                MetricSample("animato_tenant_running_tasks", 0, "other"),
                MetricSample("animato_tenant_device_seconds", 14, "other"),
            ]
        )
    }

    @Test("A tenant called other shares its series with the rest")
    func tenantCalledOther() {
        let samples = ServerCollectors.samples([usage("other", waiting: 3), usage("b", waiting: 1)], limit: 1)
        #expect(samples.filter { $0.name == "animato_tenant_waiting_tasks" }.map(\.value) == [4])
    }

    @Test("The models with the most to do have names, those with nothing to do are 0, and no name comes twice")
    func backlog() {
        let scale = ScaleStatus(
            models: [
                .init(name: "a", backlogSeconds: 5), .init(name: "b", backlogSeconds: 20),
                .init(name: "other", backlogSeconds: 30),
            ],
            present: 2,
            needed: 3
        )
        let devices = [MetricSample("animato_devices_present", 2), MetricSample("animato_devices_needed", 3)]
        func backlog(_ values: KeyValuePairs<String, Double>) -> [MetricSample] {
            values.map { MetricSample("animato_backlog_device_seconds", $0.value, $0.key) }
        }
        let all = ServerCollectors.samples(scale, known: ["a", "idle"])
        #expect(all == backlog(["a": 5, "b": 20, "idle": 0, "other": 30]) + devices)
        let few = ServerCollectors.samples(scale, known: ["idle"], limit: 2)
        #expect(few == backlog(["b": 20, "other": 35]) + devices)
    }

    @Test("All that is looked up is in the catalogue, with as many labels")
    func catalogue() {
        let device = DeviceStatus(
            id: "cuda:0", kind: "A", state: .busy, totalBytes: 2, freeBytes: 1, utilisation: 0.5,
            temperatureCelsius: 50, engines: [EngineStatus(index: 0, state: .busy)])
        let seen = DeviceSnapshot(id: "cuda:0", name: "A", totalBytes: 2, freeBytes: 1, utilisation: 0.256)
        let queue = QueueStatus(waiting: 1, running: 1, predictedWaitSeconds: 3)
        let samples =
            ServerCollectors.samples(device) + ServerCollectors.samples(seen) + ServerCollectors.samples(queue)
            + ServerCollectors.samples([usage("a")])
        for sample in samples {
            let metric = MetricCatalog.all.first { $0.name == sample.name }
            #expect(metric?.labels.count == sample.labels.count, "\(sample)")
        }
        #expect(samples.contains(MetricSample("gpu_util", 25.6, "cuda:0")))
        #expect(samples.filter { $0.name == "animato_device_state" }.reduce(0) { $0 + $1.value } == 1)
    }
}
