import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: a device that is kept for a large generation")
struct PlacementReservationTests {
    private typealias Fixture = PolicyFixture

    /// A device of two engines: one works, the other is free, and a large generation needs more than is left.
    private static func shared(until end: Double) -> PlacementQuestion {
        var device = Fixture.device(0, [.busy(until: end), .ready], reserved: 0)
        device.engines[0].reservedBytes = 50_000_000_000
        device.freeBytes = 30_000_000_000
        let large = Fixture.head(1, Fixture.work(Fixture.large))
        let small = Fixture.head(2, Fixture.work(Fixture.small, model: Fixture.tiny, steps: 5))
        return PlacementQuestion(heads: [large, small], devices: [device])
    }

    @Test("A small generation may go first only if it is done before the large one can start")
    func backfill() {
        var question = Self.shared(until: 1500)
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.generation == GenerationID(rawValue: 2))
        #expect(question.reserved?.generation == GenerationID(rawValue: 1) && question.reserved?.start == 1500)
        question = Self.shared(until: 1000.1)
        question.memory.learn(
            work: question.heads[1].work,
            model: Fixture.tiny,
            mode: .full,
            peakBytes: 27_000_000_000
        )
        #expect(question.step() == .nothing(until: nil))
        #expect(question.reserved?.device == 0)
    }

    @Test("A small generation that leaves enough room for the large one may run beside it, if an engine is left")
    func beside() {
        var question = Self.shared(until: 1000.1)
        // The large one starts on the engine that works now.
        guard case .assign(let assignment) = question.step() else {
            Issue.record("not assigned")
            return
        }
        #expect(assignment.generation == GenerationID(rawValue: 2))
    }

    @Test("A reservation ends with its generation, and moves only to where it can start much sooner")
    func reservation() {
        var question = Self.shared(until: 1500)
        question.heads.removeLast()
        _ = question.step()
        #expect(question.reserved?.device == 0)
        var second = question.devices[0]
        second.engines[0].state = .busy(until: 1460)
        question.devices.append(second)
        _ = question.step()
        #expect(question.reserved?.device == 0)
        question.devices[1].engines[0].state = .busy(until: 1200)
        _ = question.step()
        #expect(question.reserved?.device == 1)
        question.heads = []
        _ = question.step()
        #expect(question.reserved == nil)
    }

    @Test("What is long overdue is not waited for where another device comes free")
    func overdue() {
        var question = Self.shared(until: 100)
        question.heads.removeLast()
        question.reserved = Reservation(generation: GenerationID(rawValue: 1), device: 0, start: 100, bytes: 1)
        var second = question.devices[0]
        second.engines[0].state = .busy(until: 1200)
        question.devices.append(second)
        _ = question.step()
        #expect(question.reserved?.device == 1)
    }
}
