import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: who shares a pass")
struct BatchPolicyTests {
    private typealias Fixture = PolicyFixture

    private static func decide(
        _ policy: BatchPolicy,
        companions: Int,
        limit: Int = .max,
        waited: Double = 0,
        head: WaitingGeneration = Fixture.head(1),
        fits: (Int) -> Bool = { _ in true }
    ) -> BatchPolicy.Decision {
        policy.decide(
            head: head,
            companions: (0..<companions).map { Fixture.head(Int64($0) + 2) },
            limit: limit,
            waited: waited,
            now: 100,
            fits: fits
        )
    }

    private static func start(_ ids: ClosedRange<Int64>) -> BatchPolicy.Decision {
        .start(ids.map { GenerationID(rawValue: $0) })
    }

    @Test("Without a setting everything runs alone and at once")
    func alone() {
        #expect(Self.decide(BatchPolicy(), companions: 3) == Self.start(1...1))
        #expect(BatchPolicy(size: 0).size == 1)
    }

    @Test("As many share a pass as may, as are there, and as fit")
    func size() {
        let policy = BatchPolicy(size: 4)
        #expect(Self.decide(policy, companions: 7) == Self.start(1...4))
        #expect(Self.decide(policy, companions: 1) == Self.start(1...2))
        #expect(Self.decide(policy, companions: 7, limit: 2) == Self.start(1...2))
        #expect(Self.decide(policy, companions: 7, fits: { $0 <= 3 }) == Self.start(1...3))
        #expect(Self.decide(policy, companions: 7, fits: { _ in false }) == Self.start(1...1))
    }

    @Test("Others are waited for within the window, but not where no more would fit")
    func window() {
        let policy = BatchPolicy(size: 4, window: .seconds(2))
        #expect(Self.decide(policy, companions: 1, waited: 0.5) == .wait(until: 101.5))
        #expect(Self.decide(policy, companions: 1, waited: 2) == Self.start(1...2))
        #expect(Self.decide(policy, companions: 3) == Self.start(1...4))
        #expect(Self.decide(policy, companions: 1, fits: { $0 <= 2 }) == Self.start(1...2))
        #expect(Self.decide(policy, companions: 0, fits: { $0 <= 1 }) == Self.start(1...1))
    }

    @Test("What shares with nobody, or was begun already, does not wait")
    func excluded() {
        let policy = BatchPolicy(size: 4, window: .seconds(2))
        var head = Fixture.head(1)
        head.batchKey = nil
        #expect(Self.decide(policy, companions: 1, head: head) == Self.start(1...1))
        head = Fixture.head(1)
        head.hasStarted = true
        #expect(Self.decide(policy, companions: 1, head: head) == Self.start(1...1))
    }
}
