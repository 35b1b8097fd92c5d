import Scheduling
import Tasks
import Testing

@testable import Simulation

/// What must hold in any fleet under any load, looked at after every event.
@Suite("Properties of the schedule")
struct PropertyTests {
    private static let kinds = [("A100", 80.0), ("A100", 40), ("A10", 24), ("RTX 4090", 24), ("T4", 16), ("H100", 80)]
    private static let works = [
        ScenarioFixture.work(frames: 25), ScenarioFixture.work, ScenarioFixture.work(frames: 9, steps: 10),
        ScenarioFixture.work(width: 1008, height: 576, frames: 25), ScenarioFixture.work(width: 1344, height: 768),
        ScenarioFixture.work(frames: 25, model: PublishedModels.small.name),
        ScenarioFixture.work(width: 1008, height: 576, model: PublishedModels.small.name),
    ]

    /// A fleet and a load that nobody would have thought of.
    private static func scenario(seed: UInt64) -> Scenario {
        var random = RandomSource(seed: seed)
        let fleet = (0..<1 + random.index(below: 3)).map { number in
            let (kind, gigabytes) = kinds[random.index(below: kinds.count)]
            return DeviceGroup(
                name: "group \(number)",
                count: 1 + random.index(below: 4),
                kind: kind,
                memoryBytes: Int64(gigabytes * 1e9),
                enginesPerDevice: 1 + random.index(below: 2)
            )
        }
        let traffic = (0..<1 + random.index(below: 3)).map { number in
            let arrivals: [TenantGroup.Arrival] = [
                .poisson(rate: 0.05), .burst(rate: 0.05, size: 8), .atOnce, .constant(rate: 0.02),
                .closed(inFlight: 2, thinkSeconds: 30),
            ]
            return ScenarioFixture.tenants(
                "group \(number)",
                count: 1 + random.index(below: 5),
                weight: [0.5, 1, 4][random.index(below: 3)],
                priority: TaskPriority.allCases[random.index(below: 3)],
                arrival: arrivals[random.index(below: arrivals.count)],
                total: 60,
                works: (0..<1 + random.index(below: 3)).map { _ in works[random.index(below: works.count)] },
                repeats: random.index(below: 2) == 0 ? .share(0.2) : .zipf(prompts: 40, exponent: 1),
                degradable: random.uniform()
            )
        }
        let settings = SchedulingSettings(
            batch: BatchPolicy(size: 1 + random.index(below: 3), window: .seconds(5)),
            scaling: random.index(below: 2) == 0
                ? EngineScalingPolicy()
                : EngineScalingPolicy(minEngines: 0, parkAfter: .seconds(30), sleepAfter: .seconds(90))
        )
        return ScenarioFixture.scenario(fleet, traffic, settings: settings, noise: 0.15, seed: seed)
    }

    @Test(
        "Memory is never given out twice, no device idles while work for it waits, and everything ends",
        arguments: 0..<40)
    func invariants(seed: UInt64) {
        var world = World(Self.scenario(seed: seed))
        var events = 0
        while world.step(), events < 100_000 {
            events += 1
            let oversubscribed = world.fleet.devices.first { device in
                device.engines.reduce(0) { $0 + $1.reservedBytes } > device.totalBytes || device.freeBytes < 0
            }
            #expect(oversubscribed == nil, "after \(world.now) s")
            let idle = idleDevice(in: &world)
            #expect(idle == nil, "after \(world.now) s")
            if oversubscribed != nil || idle != nil { return }
        }
        let counts = world.outcome().report.counts
        #expect(counts.waiting == 0)
        #expect(counts.running == 0)
        #expect(counts.finished == counts.generations)
        #expect(world.records.isEmpty)
    }

    /// A device with a ready engine that could take the first of a lane now, and why nothing speaks against it.
    private func idleDevice(in world: inout World) -> String? {
        guard world.fleet.freeEngines > 0, world.queue.count > 0 else { return nil }
        let window = world.scenario.settings.batch.window.inSeconds
        for head in world.queue.heads(at: world.stamp) {
            guard let model = world.models[head.work.model] else { continue }
            // Others may still come that share its pass.
            let waited = world.now - Double(head.since.milliseconds) / 1000
            if world.scenario.settings.batch.size > 1, head.batchKey != nil, waited < window { continue }
            for (index, device) in world.fleet.devices.enumerated() where device.totalBytes >= head.lane.memoryBytes {
                // It is kept for another.
                if let kept = world.reservation, kept.device == index, kept.generation != head.id { continue }
                guard let mode = world.memory.mode(for: head.work, model: model, capacity: device.totalBytes) else {
                    continue
                }
                let peak = min(world.memory.peakBytes(head.work, model: model, mode: mode) ?? .max, device.totalBytes)
                for (position, engine) in device.engines.enumerated() where engine.state == .ready {
                    if device.availableBytes(forEngineAt: position) >= peak {
                        return "\(device.id) could take \(head.id) of \(head.lane), which waits for \(waited) s"
                    }
                }
            }
        }
        return nil
    }

    @Test("Asking placement about the free devices alone changes nothing", arguments: UInt64(0)..<8)
    func shortcut(seed: UInt64) {
        var scenario = Self.scenario(seed: seed)
        for index in scenario.fleet.indices {
            scenario.fleet[index].count = 8
            scenario.fleet[index].enginesPerDevice = 1
        }
        scenario.traffic = [
            ScenarioFixture.tenants(count: 9, arrival: .atOnce, total: 2000, works: Self.works)
        ]
        var world = World(scenario)
        var compared = 0
        while world.step(), compared < 300 {
            for engine in 0..<world.fleet.engineCount where world.fleet.passes[engine] != nil {
                // As it would be if this engine were free now.
                var other = world
                _ = other.fleet.release(engine, residentBytes: 0, at: other.now)
                let heads = other.queue.heads(at: other.stamp)
                var kept = other.reservation
                let step = other.settings.placement.next(
                    heads: heads,
                    devices: other.fleet.devices,
                    models: other.models,
                    costs: other.costs,
                    memory: other.memory,
                    reserved: &kept,
                    now: other.now
                )
                #expect(other.nextStep(heads) == step)
                #expect(other.reservation == kept)
                compared += 1
            }
        }
        #expect(compared >= 300)
    }

    @Test("Tenants who are equal and all want more get equal device time", arguments: UInt64(0)..<8)
    func equalTenants(seed: UInt64) {
        var random = RandomSource(seed: seed &+ 1000)
        let tenants = 2 + random.index(below: 20)
        let devices = 1 + random.index(below: 8)
        let works = (0..<3).map { _ in Self.works[random.index(below: 4)] }
        let endless = TenantGroup.Arrival.closed(inFlight: 2 * devices + 4, thinkSeconds: 0)
        // Long enough for a hundred generations of each, which are never cut finer.
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(devices)],
            [
                ScenarioFixture.tenants(count: tenants, arrival: endless, works: works)
            ],
            seconds: Double(tenants * 60) * 300 / Double(devices),
            noise: 0.1,
            seed: seed
        )
        let report = Simulator(scenario).run().report
        #expect(report.fairness >= 0.99)
        #expect(report.utilisation >= 0.99)
    }

    @Test("Tenants get device time by their weights, also against one who asks for a thousand times as much")
    func weights() {
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(4)],
            [
                ScenarioFixture.tenants("one", weight: 1, arrival: .closed(inFlight: 20, thinkSeconds: 0)),
                ScenarioFixture.tenants("two", weight: 2, arrival: .closed(inFlight: 20, thinkSeconds: 0)),
                ScenarioFixture.tenants("four", weight: 4, arrival: .atOnce, total: 9000),
            ],
            seconds: 200_000
        )
        let report = Simulator(scenario).run().report
        let shares = report.tenants.map(\.deviceSeconds)
        #expect(abs(shares[1] / shares[0] - 2) < 0.1)
        #expect(abs(shares[2] / shares[0] - 4) < 0.2)
    }

    @Test("One request beside a thousand of another tenant waits for no more than a generation on each device")
    func oneAgainstThousand() {
        let devices = 3
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(devices)],
            [
                ScenarioFixture.tenants("thousand", arrival: .atOnce, total: 1000),
                ScenarioFixture.tenants("one", arrival: .constant(rate: 1.0 / 5000), total: 6),
            ]
        )
        let report = Simulator(scenario).run().report
        #expect(report.tenants[1].counts.finished == 6)
        #expect(report.tenants[1].wait.max <= 100)
    }

    @Test("Batch work is served in the end, however much interactive work comes")
    func noStarvation() {
        let endless = TenantGroup.Arrival.closed(inFlight: 10, thinkSeconds: 0)
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(2)],
            [
                ScenarioFixture.tenants("urgent", count: 4, priority: .interactive, arrival: endless),
                ScenarioFixture.tenants("patient", priority: .batch, arrival: .constant(rate: 1.0 / 2000), total: 20),
            ],
            seconds: 60_000
        )
        let report = Simulator(scenario).run().report
        #expect(report.tenants[1].counts.finished >= 19)
        // Raised twice, then one of five tenants, before two devices.
        #expect(report.tenants[1].wait.max <= 2 * 600 + 5 * 100)
    }

    @Test("Large requests are not starved by small ones that would fit beside them")
    func largeRequests() {
        let small = ScenarioFixture.work(frames: 9, steps: 10)
        let large = ScenarioFixture.work(width: 1344, height: 768)
        let scenario = ScenarioFixture.scenario(
            [ScenarioFixture.a100(2, engines: 2)],
            [
                ScenarioFixture.tenants("small", arrival: .closed(inFlight: 16, thinkSeconds: 0), works: [small]),
                ScenarioFixture.tenants("large", arrival: .closed(inFlight: 1, thinkSeconds: 60), works: [large]),
            ],
            seconds: 40_000
        )
        let report = Simulator(scenario).run().report
        #expect(report.tenants[1].counts.finished >= 20)
        // Half of two devices is its due: by then the other has had as much.
        #expect(report.tenants[1].wait.max < 1500)
    }
}
