import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: who makes way")
struct PreemptionPolicyTests {
    private static let policy = PreemptionPolicy(leastRun: .seconds(5))
    private static let interactive = TaskPriority.interactive.rank
    private static let batch = TaskPriority.batch.rank

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
        let victim = Self.policy.victim(for: Self.interactive, among: running, at: .seconds(100))
        #expect(victim == GenerationID(rawValue: 3))
    }

    @Test("Only what has time makes way, and only for what somebody waits for")
    func levels() {
        func makesWay(_ priority: TaskPriority, for waiting: TaskPriority) -> Bool {
            let running = [Self.running(1, priority: priority.rank, since: 0)]
            return Self.policy.victim(for: waiting.rank, among: running, at: .seconds(100)) != nil
        }
        for waiting in TaskPriority.allCases {
            #expect(!makesWay(.interactive, for: waiting) && !makesWay(.normal, for: waiting))
        }
        #expect(
            makesWay(.batch, for: .interactive) && !makesWay(.batch, for: .normal) && !makesWay(.batch, for: .batch))
    }

    @Test("How much more urgent it must be can be set, but equals never make way")
    func gap() {
        let running = [Self.running(1, priority: 0, since: 0)]
        var policy = PreemptionPolicy(leastRun: .zero, leastGap: 10)
        #expect(policy.victim(for: 10, among: running, at: .zero) == GenerationID(rawValue: 1))
        #expect(policy.victim(for: 9, among: running, at: .zero) == nil)
        policy.leastGap = -3
        #expect(policy.victim(for: 0, among: running, at: .zero) == nil)
        #expect(policy.isGap(from: 0, to: 1))
    }

    @Test("What has just begun is left alone")
    func leastRun() {
        let running = [Self.running(1, priority: Self.batch, since: 96)]
        #expect(Self.policy.victim(for: Self.interactive, among: running, at: .seconds(100)) == nil)
        let victim = Self.policy.victim(for: Self.interactive, among: running, at: .seconds(101))
        #expect(victim == GenerationID(rawValue: 1))
    }

    @Test("While one makes way, no other is asked to")
    func oneAtATime() {
        let running = [
            Self.running(1, priority: 0, since: 0, isMakingWay: true), Self.running(2, priority: -10, since: 0),
        ]
        #expect(Self.policy.victim(for: Self.interactive, among: running, at: .seconds(100)) == nil)
    }
}
