import Scheduling
import Tasks
import Testing

@testable import Server
@testable import Simulation

@Suite("Devices that come and go")
struct ScalingTests {
    /// Bursts of 20 generations of 90 s with long pauses between them.
    private func bursts(
        scaling policy: WorkerScalingPolicy?,
        start: Double = 180,
        count: Int = 10,
        settings: SchedulingSettings = SchedulingSettings()
    ) -> Scenario {
        var scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(count)],
            [ScenarioFixture.tenants(count: 3, arrival: .burst(rate: 0.005, size: 20), total: 400)],
            settings: settings
        )
        scenario.scaling = policy.map { DeviceScaling(policy: $0, startSeconds: start) }
        return scenario
    }

    private let policy = WorkerScalingPolicy(
        targetWait: .seconds(300),
        minimum: 0,
        maximum: 10,
        stabilisation: .seconds(300)
    )

    @Test("Everything is made all the same, with fewer device hours and longer waits than where all are always there")
    func cheaper() throws {
        let fixed = Simulator(bursts(scaling: nil)).run().report
        let scaled = Simulator(bursts(scaling: policy)).run().report
        #expect(scaled.counts.finished == fixed.counts.finished)
        #expect(scaled.counts.waiting == 0 && scaled.counts.running == 0)
        #expect(scaled.devices[0].deviceHours < 0.8 * fixed.devices[0].deviceHours)
        #expect(scaled.devices[0].deviceHours >= scaled.devices[0].busyHours)
        #expect(try #require(scaled.cost) < (try #require(fixed.cost)))
        #expect(scaled.wait.p95 > fixed.wait.p95)
        #expect(scaled.utilisation > fixed.utilisation)
        let scaling = try #require(scaled.scaling)
        #expect(scaling.starts > 10 && scaling.peak <= 10 && scaling.mean < 10)
        #expect(fixed.scaling == nil)
    }

    @Test("The first to come waits for the first device, which is asked for at the next look")
    func fromNone() throws {
        var scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(4)], [ScenarioFixture.tenants(arrival: .atOnce, total: 1)])
        scenario.scaling = DeviceScaling(policy: policy, startSeconds: 200, interval: 15)
        let report = Simulator(scenario).run().report
        #expect(report.counts.finished == 1)
        #expect((200...215).contains(report.wait.max))
        #expect(report.scaling?.starts == 1)
    }

    @Test("As many as are always wanted are there from the start, and nothing else changes")
    func allAlways() throws {
        let all = WorkerScalingPolicy(minimum: 10, maximum: 10)
        let scaled = Simulator(bursts(scaling: all)).run().report
        let fixed = Simulator(bursts(scaling: nil)).run().report
        #expect(scaled.scaling?.starts == 0)
        #expect(abs(scaled.devices[0].deviceHours / fixed.devices[0].deviceHours - 1) < 1e-6)
        #expect(abs(scaled.utilisation / fixed.utilisation - 1) < 1e-6)
        #expect(scaled.counts == fixed.counts)
        #expect(scaled.wait == fixed.wait)
        #expect(scaled.tenants == fixed.tenants)
    }

    @Test("Devices of other groups are always there and count as well")
    func otherGroups() throws {
        var scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(2, name: "own"), ScenarioFixture.a100(6, name: "cloud")],
            [ScenarioFixture.tenants(arrival: .burst(rate: 0.005, size: 20), total: 100)]
        )
        scenario.scaling = DeviceScaling(
            group: 1, policy: WorkerScalingPolicy(targetWait: .seconds(300), maximum: 5))
        let report = Simulator(scenario).run().report
        #expect(report.counts.finished == 100)
        #expect(report.scaling?.peak == 5)
        #expect(abs(report.devices[0].deviceHours - 2 * report.seconds / 3600) < 1e-6)
        #expect(report.devices[1].deviceHours < 3 * report.seconds / 3600)
    }

    @Test("It ends where what waits fits on no device that will ever come, and engines that rest do not keep it going")
    func ends() {
        let settings = SchedulingSettings(
            scaling: EngineScalingPolicy(minEngines: 0, parkAfter: .seconds(60), sleepAfter: .seconds(120)))
        let report = Simulator(bursts(scaling: policy, settings: settings)).run().report
        #expect(report.counts.finished == 400)
        var none = bursts(scaling: policy)
        none.fleet.append(ScenarioFixture.a100(1, name: "rest"))
        none.fleet[1].memoryBytes = 1_000_000_000
        none.traffic[0].total = 1
        let stuck = Simulator(none).run().report
        #expect(stuck.counts.finished + stuck.counts.waiting == 1)
    }

    @Test("The same scenario goes the same way")
    func determinism() {
        let report = Simulator(bursts(scaling: policy)).run().report
        #expect(Simulator(bursts(scaling: policy)).run().report == report)
    }

    // MARK: The file

    private static let file = """
        duration: 60
        fleet:
          - {name: own, count: 2, kind: A100, memory_gb: 80}
          - {name: cloud, count: 6, kind: A100, memory_gb: 80, price_per_hour: 2}
        traffic:
          - rate: 1
            shapes:
              - {width: 672, height: 384, frames: 49, steps: 25}
        settings:
          scale: {targetWait: 120, minimum: 1, stabilisation: 90}
        scaling:

        """

    @Test("What a file says of scaling is read, and what it leaves out is as the settings have it")
    func reading() throws {
        let given = try ScenarioReader.read(
            Self.file
                + "  {of: cloud, target_wait: 60, minimum: 2, maximum: 7, stabilisation: 30, start: 45, interval: 5}",
            name: "test"
        ).scenario.scaling
        let policy = WorkerScalingPolicy(
            targetWait: .seconds(60), minimum: 2, maximum: 7, stabilisation: .seconds(30))
        #expect(given == DeviceScaling(group: 1, policy: policy, startSeconds: 45, interval: 5))
        let standard = try ScenarioReader.read(Self.file + "  {of: own}", name: "test").scenario.scaling
        let settings = WorkerScalingPolicy(
            targetWait: .seconds(120), minimum: 1, maximum: 8, stabilisation: .seconds(90))
        #expect(standard == DeviceScaling(group: 0, policy: settings))
    }

    @Test("What is wrong with it is said")
    func faults() {
        do throws(SettingsReader.Faults) {
            _ = try ScenarioReader.read(
                Self.file + "  {of: moon, minimum: 5, maximum: 3, start: -1, wait: 3}", name: "test")
            Issue.record("it was taken")
        } catch {
            let faults = error.faults.map(\.description).joined(separator: "\n")
            for part in ["scaling.of", "scaling.maximum", "scaling.start", "scaling.wait"] {
                #expect(faults.contains(part))
            }
        }
    }
}
