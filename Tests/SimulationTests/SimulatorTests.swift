import Foundation
import Scheduling
import Tasks
import Testing

@testable import Simulation

@Suite("Simulator")
struct SimulatorTests {
    @Test("The same scenario goes the same way, and another seed another")
    func determinism() {
        var scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(3)],
            [ScenarioFixture.tenants(count: 4, arrival: .poisson(rate: 0.03), total: 300)],
            noise: 0.1
        )
        let report = Simulator(scenario).run().report
        #expect(Simulator(scenario).run().report == report)
        scenario.seed = 2
        #expect(Simulator(scenario).run().report != report)
    }

    @Test("Waits before one device are those of queueing theory", arguments: [0.5, 0.8])
    func pollaczekKhinchine(load: Double) {
        // M/D/1: the mean wait is load·s / 2(1 − load) where each generation takes s seconds.
        let seconds = 90.0
        let outcome = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(1)],
                [ScenarioFixture.tenants(arrival: .poisson(rate: load / seconds), total: 15_000)]
            )
        ).run()
        let service = outcome.report.devices[0].busyHours * 3600 / 15_000
        let real = service * 15_000 / outcome.report.seconds
        let expected = real * service / (2 * (1 - real))
        #expect(abs(service / seconds - 1) < 0.02, "EasyAnimate publishes 90 s")
        #expect(abs(outcome.report.utilisation - real) < 0.01)
        #expect(abs(outcome.report.wait.mean / expected - 1) < 0.08)
    }

    @Test("Everything that was asked for is accounted for")
    func accounts() {
        let settings = SchedulingSettings(admission: AdmissionPolicy(maxWaiting: 20))
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(2)],
            [
                ScenarioFixture.tenants("steady", count: 5, arrival: .poisson(rate: 0.05)),
                ScenarioFixture.tenants(
                    "bursts", count: 2, arrival: .burst(rate: 0.02, size: 15), repeats: .share(0.3)),
                ScenarioFixture.tenants(
                    "zipf", arrival: .constant(rate: 0.05), repeats: .zipf(prompts: 50, exponent: 1)),
            ],
            seconds: 20_000,
            settings: settings
        )
        let report = Simulator(scenario).run().report
        for counts in [report.counts] + report.tenants.map(\.counts) {
            #expect(counts.requests == counts.cacheHits + counts.coalesced + counts.refused + counts.generations)
            #expect(counts.generations == counts.finished + counts.waiting + counts.running)
        }
        #expect(report.counts.refusedQueueFull > 0)
        #expect(report.counts.running <= 2)
        #expect(report.queue.peak <= 20)
        #expect(report.tenants[1].counts.cacheHits > 0)
        #expect(report.tenants[2].counts.coalesced > 0)
        #expect(Int(report.wait.count) == report.counts.finished + report.counts.running + report.counts.waiting)
        let deviceSeconds = report.tenants.reduce(0) { $0 + $1.deviceSeconds }
        #expect(abs(deviceSeconds / (report.devices[0].busyHours * 3600) - 1) < 1e-6)
    }

    @Test("Requests that were only counted are as many as those looked at one by one would be")
    func countedHits() {
        let share = 0.97
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(20)],
            [
                ScenarioFixture.tenants("random", arrival: .poisson(rate: 5), repeats: .share(share)),
                ScenarioFixture.tenants("even", arrival: .constant(rate: 5), repeats: .share(share)),
            ],
            seconds: 40_000
        )
        for group in Simulator(scenario).run().report.tenants {
            #expect(abs(Double(group.counts.requests) / 200_000 - 1) < 0.01)
            #expect(abs(group.counts.hitShare - share) < 0.002)
            #expect(group.answer.p50 == 0)
        }
    }

    @Test("A group that is only answered from the cache needs no device")
    func onlyHits() {
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(1)],
                [ScenarioFixture.tenants(arrival: .poisson(rate: 20), repeats: .share(1))],
                seconds: 1000
            )
        ).run().report
        #expect(report.counts.generations == 0)
        #expect(abs(report.counts.cacheHits - 20_000) < 1000)
        #expect(report.utilisation == 0)
    }

    @Test("Tenants that wait for their videos never have more under way than they say")
    func closedLoop() {
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(2)],
                [ScenarioFixture.tenants(count: 3, arrival: .closed(inFlight: 2, thinkSeconds: 10))],
                seconds: 10_000
            )
        ).run().report
        #expect(report.queue.peak <= 4)
        #expect(report.utilisation > 0.99)
        #expect(report.counts.finished > 180)
    }

    @Test("Under a long queue those that allow it are degraded, and the others are not")
    func degradation() {
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(1)],
                [
                    ScenarioFixture.tenants("flexible", arrival: .atOnce, total: 60, degradable: 1),
                    ScenarioFixture.tenants("strict", arrival: .atOnce, total: 60),
                ]
            )
        ).run().report
        #expect(report.tenants[0].counts.degraded > 30)
        #expect(report.tenants[1].counts.degraded == 0)
        #expect(report.tenants[0].counts.finished == 60)
        #expect(report.tenants[1].counts.finished == 60)
    }

    @Test("A request that is predicted to wait for too long is refused")
    func maxWait() {
        let settings = SchedulingSettings(admission: AdmissionPolicy(maxWait: .seconds(600)))
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(4)],
                [ScenarioFixture.tenants(count: 10, arrival: .poisson(rate: 0.1))],
                seconds: 20_000,
                settings: settings
            )
        ).run().report
        #expect(report.counts.refusedWaitTooLong > 0)
        #expect(report.utilisation > 0.97)
        // Predicted for the tenant that is worst off; later arrivals of others may come before it.
        #expect(report.wait.p95 < 900)
    }

    @Test("Generations that agree share passes where the settings say so")
    func batching() {
        let settings = SchedulingSettings(batch: BatchPolicy(size: 4, window: .seconds(5)))
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(1)],
                [
                    ScenarioFixture.tenants(
                        count: 4, arrival: .atOnce, total: 40, works: [ScenarioFixture.work(frames: 25)])
                ],
                settings: settings
            )
        ).run().report
        #expect(report.counts.batched > 30)
        #expect(report.counts.finished == 40)
    }

    @Test("Idle engines go to sleep and are woken by work")
    func sleepingEngines() {
        let settings = SchedulingSettings(
            scaling: EngineScalingPolicy(minEngines: 0, parkAfter: .seconds(60), sleepAfter: .seconds(300))
        )
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(2)],
                [ScenarioFixture.tenants(arrival: .constant(rate: 1.0 / 3600), total: 5)],
                settings: settings
            )
        ).run().report
        #expect(report.counts.finished == 5)
        #expect(report.devices[0].loads == 5)
        #expect(report.wait.max >= 10)
    }

    @Test("A look at idle engines does not make a simulation longer")
    func endOfWork() {
        func seconds(_ scaling: EngineScalingPolicy) -> Double {
            let traffic = [ScenarioFixture.tenants(arrival: .atOnce, total: 1)]
            let settings = SchedulingSettings(scaling: scaling)
            let scenario = ScenarioFixture.scenario([ScenarioFixture.a100(1)], traffic, settings: settings)
            return Simulator(scenario).run().report.seconds
        }
        let resting = EngineScalingPolicy(minEngines: 0, parkAfter: .seconds(300), sleepAfter: .seconds(1800))
        #expect(seconds(resting) == seconds(EngineScalingPolicy()))
    }

    @Test("Engines of one device share it: two of them make no more videos than one")
    func sharedDevice() {
        func seconds(engines: Int) -> Double {
            let fleet = [ScenarioFixture.a100(1, engines: engines)]
            let traffic = [ScenarioFixture.tenants(arrival: .atOnce, total: 20)]
            return Simulator(ScenarioFixture.scenario(fleet, traffic)).run().report.seconds
        }
        #expect(seconds(engines: 2) >= seconds(engines: 1) * 0.98)
    }

    @Test("What no device of the fleet has room for is told apart")
    func impossible() {
        let fleet = [DeviceGroup(name: "t4", count: 2, kind: "T4", memoryBytes: 16_000_000_000)]
        let large = ScenarioFixture.work(width: 1344, height: 768)
        let report = Simulator(
            ScenarioFixture.scenario(fleet, [ScenarioFixture.tenants(arrival: .atOnce, total: 3, works: [large])])
        ).run().report
        #expect(report.counts.impossible == 3)
        #expect(report.counts.generations == 0)
    }

    @Test("What waits when the time is up counts with the time it has waited")
    func unfinished() {
        let report = Simulator(
            ScenarioFixture.scenario(
                [ScenarioFixture.a100(1)],
                [ScenarioFixture.tenants(arrival: .atOnce, total: 100)],
                seconds: 1000
            )
        ).run().report
        #expect(report.seconds == 1000)
        #expect(report.counts.waiting > 80)
        #expect(report.counts.running == 1)
        #expect(report.wait.count == 100)
        #expect(report.wait.p50 > 989)
    }

    @Test("The memory table is the engine's own")
    func memoryTable() throws {
        let source = try String(
            contentsOfFile: Self.repository + "engine/animato_engine/models/easyanimate.py", encoding: .utf8)
        #expect(source.contains(#"_7B_TABLE = {_16_GB: "QQSSxx", _24_GB: "MMMQQx", _40_GB: "MMMMMM"}"#))
        #expect(source.contains(#"_12B_TABLE = {_16_GB: "QSSSxx", _24_GB: "QQQQQx", _40_GB: "MMMMMM"}"#))
        #expect(PublishedModels.large.memoryTable.count { $0.mode == .sequentialOffload } == 3)
        #expect(PublishedModels.small.memoryTable.count { $0.mode == .modelOffload8Bit } == 4)
    }

    @Test("A hundred devices and ten thousand generations of five hundred tenants are simulated in no time")
    func speed() {
        let clock = ContinuousClock()
        let works = [
            ScenarioFixture.work(frames: 25), ScenarioFixture.work, ScenarioFixture.work(width: 1008, height: 576),
        ]
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(100)],
            [ScenarioFixture.tenants(count: 500, arrival: .poisson(rate: 0.75), total: 10_000, works: works)],
            noise: 0.05
        )
        var report: SimulationReport?
        // Without optimisation, beside other tests.
        let time = clock.measure { report = Simulator(scenario).run().report }
        #expect(time < .seconds(60))
        #expect(report?.counts.finished == 10_000)
    }

    static let repository = #filePath.components(separatedBy: "Tests/")[0]
}
