import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: who makes way")
struct PreemptionPolicyTests {
    private static let policy = PreemptionPolicy(leastRun: .seconds(5))

    private static func running(
        _ id: Int64,
        priority: Int,
        since: Int,
        isMakingWay: Bool = false
    ) -> PreemptionPolicy.Running {
        PreemptionPolicy.Running(
            id: GenerationID(rawValue: id),
            priority: priority,
            since: .seconds(since),
            isMakingWay: isMakingWay
        )
    }

    @Test("The least urgent makes way, and of equals the one that has done least")
    func leastUrgent() {
        let running = [
            Self.running(1, priority: 0, since: 0), Self.running(2, priority: -10, since: 10),
            Self.running(3, priority: -10, since: 20), Self.running(4, priority: 10, since: 0),
        ]
        #expect(Self.policy.victim(for: 10, among: running, at: .seconds(100)) == GenerationID(rawValue: 3))
    }

    @Test("Equal and higher priorities are left alone")
    func equals() {
        let running = [Self.running(1, priority: 0, since: 0), Self.running(2, priority: 10, since: 0)]
        #expect(Self.policy.victim(for: 0, among: running, at: .seconds(100)) == nil)
        #expect(Self.policy.victim(for: 1, among: running, at: .seconds(100)) == GenerationID(rawValue: 1))
    }

    @Test("What has just begun is left alone")
    func leastRun() {
        let running = [Self.running(1, priority: 0, since: 96)]
        #expect(Self.policy.victim(for: 10, among: running, at: .seconds(100)) == nil)
        #expect(Self.policy.victim(for: 10, among: running, at: .seconds(101)) == GenerationID(rawValue: 1))
    }

    @Test("While one makes way, no other is asked to")
    func oneAtATime() {
        let running = [
            Self.running(1, priority: 0, since: 0, isMakingWay: true), Self.running(2, priority: -10, since: 0),
        ]
        #expect(Self.policy.victim(for: 10, among: running, at: .seconds(100)) == nil)
    }
}
