import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: placement")
struct PlacementPolicyTests {
    private typealias Fixture = PolicyFixture

    private static let warm = Warm(model: Fixture.model.name)

    @Test("Nothing waits, or nothing is free: there is nothing to do")
    func nothing() {
        var question = PlacementQuestion(heads: [], devices: [Fixture.device(0)])
        #expect(question.step() == .nothing(until: nil))
        question.heads = [Fixture.head(1)]
        question.devices = [Fixture.device(0, [.busy(until: 1010)], reserved: 60), Fixture.device(1, [.down])]
        #expect(question.step() == .nothing(until: nil))
        question.devices = []
        #expect(question.step() == .nothing(until: nil))
    }

    @Test("A generation gets the fastest mode that fits, with the bytes and seconds predicted for it")
    func assignment() throws {
        var question = PlacementQuestion(heads: [Fixture.head(1)], devices: [Fixture.device(0, gigabytes: 24)])
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.generation == GenerationID(rawValue: 1) && assignment.mode == .modelOffload8Bit)
        #expect(assignment.bytes > 10_000_000_000 && assignment.bytes < 24_000_000_000)
        #expect(assignment.seconds > 25)
    }

    @Test(
        "Of equal devices the less used one, then the one with more free memory; the weights decide which counts more")
    func score() {
        let devices = [
            Fixture.device(0, free: 79, utilisation: 0.5), Fixture.device(1, free: 60, utilisation: 0.1),
            Fixture.device(2, free: 79, utilisation: 0.1),
        ]
        var question = PlacementQuestion(heads: [Fixture.head(1)], devices: devices)
        #expect(question.engine() == 20)
        question.devices = Array(devices.prefix(2))
        #expect(question.engine() == 10)
        question.policy = PlacementPolicy(utilisationWeight: 0, memoryWeight: 1)
        #expect(question.engine() == 0)
    }

    @Test("A warm engine is preferred, most of all with its LoRAs; without the bonus it is not")
    func warm() {
        var work = Fixture.work()
        work.loras = ["ink"]
        var question = PlacementQuestion(
            heads: [Fixture.head(1, work)],
            devices: [
                Fixture.device(0), Fixture.device(1, utilisation: 0.9, warm: Self.warm, reserved: 40),
            ])
        #expect(question.engine() == 10)
        question.devices.append(
            Fixture.device(2, utilisation: 0.9, warm: Warm(model: Fixture.model.name, loras: ["ink"]), reserved: 40)
        )
        #expect(question.engine() == 20)
        question.policy.warmBonus = 0
        #expect(question.engine() == 0)
    }

    @Test("Where everything else is equal the faster device is taken, then the first")
    func ties() {
        var question = PlacementQuestion(
            heads: [Fixture.head(1)],
            devices: [
                Fixture.device(0, kind: Fixture.a10, gigabytes: 80), Fixture.device(1), Fixture.device(2),
            ])
        #expect(question.engine() == 10)
    }

    @Test("A draining device gets nothing, and no engine of it is woken")
    func draining() {
        var question = PlacementQuestion(
            heads: [Fixture.head(1)],
            devices: [
                Fixture.device(0, isDraining: true), Fixture.device(1, isDraining: true, [.asleep]),
            ])
        #expect(question.step() == .nothing(until: nil))
        question.devices.append(Fixture.device(2, utilisation: 1))
        #expect(question.engine() == 20)
    }

    @Test("What other engines have of a device counts; what the engine itself holds does not")
    func sharing() {
        let head = Fixture.head(1, Fixture.work(Fixture.large))
        var device = Fixture.device(0, [.busy(until: 1010), .ready], reserved: 30)
        device.freeBytes = 20_000_000_000
        var question = PlacementQuestion(heads: [head], devices: [device])
        #expect(question.step() == .nothing(until: nil))
        device.engines[0].reservedBytes = 20_000_000_000
        device.freeBytes = 30_000_000_000
        question.devices = [device]
        #expect(question.engine() == 1)
    }

    @Test(
        "Where another program holds memory, a more sparing mode is taken; where our own engine does, it is waited for")
    func external() {
        let head = Fixture.head(1, Fixture.work(Fixture.small))
        var question = PlacementQuestion(heads: [head], devices: [Fixture.device(0, free: 30)])
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.mode == .modelOffload8Bit && assignment.bytes <= 30_000_000_000)
        var shared = Fixture.device(0, free: 30, [.busy(until: 1010), .ready])
        shared.engines[0].reservedBytes = 50_000_000_000
        question.devices = [shared]
        #expect(question.step() == .nothing(until: nil))
    }

    @Test("The plan of an earlier attempt sets the mode and the shape")
    func plan() {
        let shape = VideoShape(width: 672, height: 384, numFrames: 25)
        let plan = AttemptPlan(memoryMode: .modelOffload8Bit, shape: shape)
        var question = PlacementQuestion(
            heads: [Fixture.head(1, Fixture.work(Fixture.large), plan: plan)],
            devices: [Fixture.device(0)]
        )
        question.heads[0].lane.memoryBytes = 0
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.mode == .modelOffload8Bit && assignment.bytes < 16_000_000_000)
    }

    @Test("A generation keeps away from devices that are too small for its lane")
    func lane() {
        var head = Fixture.head(1)
        head.lane.memoryBytes = 24_000_000_001
        var question = PlacementQuestion(
            heads: [head],
            devices: [
                Fixture.device(0, gigabytes: 24), Fixture.device(1, [.busy(until: 1010)], reserved: 60),
            ])
        #expect(question.step() == .nothing(until: nil))
        #expect(question.reserved?.device == 1)
    }

    @Test("What fits nowhere is tried alone on the largest device, also if that has to become free first")
    func lastResort() {
        let head = Fixture.head(1, Fixture.work(Fixture.large))
        var question = PlacementQuestion(
            heads: [head],
            devices: [
                Fixture.device(0, gigabytes: 16), Fixture.device(1, gigabytes: 24),
            ])
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.engine == 10 && assignment.mode == .sequentialOffload)
        #expect(assignment.bytes <= 24_000_000_000)
        question.devices[1].engines[0].state = .busy(until: 1010)
        #expect(question.step() == .nothing(until: nil))
        // A device that has room comes back: it is waited for.
        question.devices = [Fixture.device(0, gigabytes: 24), Fixture.device(1, [.down])]
        #expect(question.step() == .nothing(until: nil))
    }

    @Test("A device of unknown memory takes everything")
    func unknownMemory() {
        var question = PlacementQuestion(heads: [Fixture.head(1)], devices: [Fixture.device(0, gigabytes: 0)])
        #expect(question.engine() == 0)
    }

    @Test("An engine is woken where none that is ready will do, and one that comes up already is waited for")
    func wake() {
        var question = PlacementQuestion(
            heads: [Fixture.head(1)],
            devices: [
                Fixture.device(0, gigabytes: 8), Fixture.device(1, [.busy(until: 1010)], reserved: 60),
                Fixture.device(2, [.asleep, .asleep]),
            ])
        #expect(question.step() == .wake(engine: 20))
        question.devices[2].engines[0].state = .starting
        #expect(question.step() == .nothing(until: nil))
        // The first is spoken for by the first head.
        question.heads.append(Fixture.head(2, Fixture.work(Fixture.medium)))
        #expect(question.step() == .wake(engine: 21))
        question.devices.append(Fixture.device(3))
        #expect(question.engine() == 30)
    }

    @Test("The model of an idle engine leaves the device where another needs the room")
    func park() {
        let held = Warm(model: "another")
        var device = Fixture.device(0, free: 20, [.ready, .ready], warm: held, reserved: 30)
        let head = Fixture.head(1, Fixture.work(Fixture.large))
        var question = PlacementQuestion(heads: [head], devices: [device])
        guard case .park(let engine) = question.step() else {
            Issue.record("not parked")
            return
        }
        device.engines[engine].warm = nil
        question.devices = [device]
        // The device does not show it yet: neither parked again, nor held more sparingly.
        guard case .park(let other) = question.step(), other != engine else {
            Issue.record("the other one is in the way as well")
            return
        }
        device.engines[engine].reservedBytes = 0
        device.freeBytes = 50_000_000_000
        question.devices = [device]
        #expect(question.engine() != nil)
    }

    @Test("A model that nothing is known of is passed over")
    func unknownModel() {
        var stranger = Fixture.head(1)
        stranger.work.model = "stranger"
        var question = PlacementQuestion(heads: [stranger, Fixture.head(2)], devices: [Fixture.device(0)])
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.generation == GenerationID(rawValue: 2))
    }

    @Test("Numbers of a probe that lies are not believed")
    func nonsense() {
        var device = Fixture.device(0, utilisation: .nan)
        device.freeBytes = .max / 2
        var question = PlacementQuestion(
            heads: [Fixture.head(1)], devices: [device, Fixture.device(1, utilisation: -3)])
        #expect(question.engine() != nil)
        question.devices[0].freeBytes = -5
        question.devices[1].utilisation = .infinity
        #expect(question.engine() == 10)
    }
}
