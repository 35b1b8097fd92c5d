import Testing

@testable import Scheduling

@Suite("Scheduling: engines that come and go")
struct EngineScalingPolicyTests {
    private typealias Fixture = PolicyFixture
    private typealias Idle = EngineScalingPolicy.Idle

    private static func decide(
        _ policy: EngineScalingPolicy,
        _ devices: [DeviceView],
        idle: [Idle] = [],
        waiting: Int = 0,
        wait: Double = 0,
        now: Double = 1000
    ) -> EngineScalingPolicy.Outcome {
        policy.decide(
            devices: devices,
            idle: idle,
            waiting: waiting,
            predictedWait: wait,
            startSeconds: 30,
            now: now
        )
    }

    private static let policy = EngineScalingPolicy(minEngines: 0, parkAfter: .seconds(60), sleepAfter: .seconds(300))

    @Test("An idle engine first gives up the device's memory, then its process")
    func idle() {
        let device = Fixture.device(0)
        func outcome(_ now: Double, isParked: Bool = false) -> EngineScalingPolicy.Outcome {
            Self.decide(Self.policy, [device], idle: [Idle(engine: 0, since: 1000, isParked: isParked)], now: now)
        }
        #expect(outcome(1059) == EngineScalingPolicy.Outcome(next: 1060))
        #expect(outcome(1060) == EngineScalingPolicy.Outcome(actions: [.park(engine: 0)], next: 1300))
        #expect(outcome(1100, isParked: true) == EngineScalingPolicy.Outcome(next: 1300))
        #expect(outcome(1300, isParked: true) == EngineScalingPolicy.Outcome(actions: [.sleep(engine: 0)]))
    }

    @Test("So many engines of a device keep their process; the one that was idle longest goes first")
    func least() {
        let device = Fixture.device(0, [.ready, .ready, .busy(until: 5000)])
        let idle = [Idle(engine: 0, since: 300, isParked: true), Idle(engine: 1, since: 200, isParked: true)]
        func asleep(_ least: Int) -> [EngineScalingPolicy.Action] {
            var policy = Self.policy
            policy.minEngines = least
            return Self.decide(policy, [device], idle: idle).actions
        }
        #expect(asleep(0) == [.sleep(engine: 1), .sleep(engine: 0)])
        #expect(asleep(2) == [.sleep(engine: 1)])
        #expect(asleep(3).isEmpty)
    }

    @Test("Nothing happens without the settings, nor to an engine that is not ready any more")
    func never() {
        let idle = [Idle(engine: 0, since: 0, isParked: false)]
        let policy = EngineScalingPolicy()
        #expect(Self.decide(policy, [Fixture.device(0)], idle: idle) == EngineScalingPolicy.Outcome())
        let busy = Fixture.device(0, [.busy(until: 2000)])
        #expect(Self.decide(Self.policy, [busy], idle: idle) == EngineScalingPolicy.Outcome())
    }

    @Test("Engines come ahead of need where the wait is longer than their start, as many as make it that short")
    func ahead() {
        let devices = [Fixture.device(0, [.busy(until: 2000)] + Array(repeating: .asleep, count: 9))]
        func woken(waiting: Int, wait: Double) -> Int {
            Self.decide(Self.policy, devices, waiting: waiting, wait: wait).actions.count
        }
        #expect(woken(waiting: 0, wait: 1000) == 0)
        #expect(woken(waiting: 50, wait: 30) == 0)
        #expect(woken(waiting: 50, wait: 31) == 1)
        #expect(woken(waiting: 50, wait: 120) == 3)
        #expect(woken(waiting: 2, wait: 120) == 2)
        #expect(woken(waiting: 50, wait: 1e9) == 9)
    }

    @Test("Engines that come up already count, and none of a draining device is woken")
    func starting() {
        var device = Fixture.device(0, [.busy(until: 2000), .starting, .starting, .asleep, .asleep])
        #expect(Self.decide(Self.policy, [device], waiting: 50, wait: 120).actions == [.wake(engine: 3)])
        device.isDraining = true
        #expect(Self.decide(Self.policy, [device], waiting: 50, wait: 120).actions.isEmpty)
    }

    @Test("Where fewer are awake than should be, they are woken, work or none")
    func minimum() {
        var policy = Self.policy
        policy.minEngines = 2
        let device = Fixture.device(0, [.ready, .asleep, .asleep])
        #expect(Self.decide(policy, [device]).actions == [.wake(engine: 1)])
    }
}
