import Scheduling
import Tasks
import Testing

@Suite("How many devices a deployment should have")
struct WorkerScalingPolicyTests {
    private let policy = WorkerScalingPolicy(
        targetWait: .seconds(100),
        minimum: 0,
        maximum: 10,
        stabilisation: .seconds(60)
    )

    private func load(_ backlog: Double, waiting: Int, busy: Int = 0) -> WorkerScalingPolicy.Load {
        .init(backlogSeconds: backlog, waiting: waiting, busy: busy)
    }

    @Test("As many as make the backlog in the wait that is aimed at, rounded up")
    func backlog() {
        #expect(policy.devices(for: load(300, waiting: 9)) == 3)
        #expect(policy.devices(for: load(301, waiting: 9)) == 4)
    }

    @Test("None with nothing to do, one as soon as something waits")
    func zero() {
        #expect(policy.devices(for: load(0, waiting: 0)) == 0)
        #expect(policy.devices(for: load(0.1, waiting: 1)) == 1)
        // What is predicted to cost nothing waits all the same.
        #expect(policy.devices(for: load(0, waiting: 1)) == 1)
    }

    @Test("Never fewer than work: a device that works is not taken away")
    func busy() {
        #expect(policy.devices(for: load(10, waiting: 0, busy: 7)) == 7)
    }

    @Test("Never more than could have something to do")
    func useful() {
        #expect(policy.devices(for: load(100_000, waiting: 2, busy: 1)) == 3)
    }

    @Test("Between the least and the most")
    func bounds() {
        let bounded = WorkerScalingPolicy(targetWait: .seconds(100), minimum: 2, maximum: 4)
        #expect(bounded.devices(for: load(0, waiting: 0)) == 2)
        #expect(bounded.devices(for: load(5000, waiting: 90)) == 4)
        #expect(WorkerScalingPolicy(minimum: 5, maximum: 2).devices(for: load(0, waiting: 0)) == 5)
    }

    @Test(
        "A backlog that is no number asks for no more than could work", arguments: [Double.infinity, .nan, -1, 1e300])
    func senseless(_ backlog: Double) {
        let needed = policy.devices(for: load(backlog, waiting: 3, busy: 1))
        #expect((1...4).contains(needed))
    }

    @Test("It rises at once, and falls when no more were needed for long enough")
    func stabilisation() {
        var scaling = WorkerScaling(policy)
        #expect(scaling.devices(for: load(800, waiting: 20), at: 0) == 8)
        #expect(scaling.devices(for: load(300, waiting: 20), at: 30) == 8)
        #expect(scaling.devices(for: load(900, waiting: 20), at: 40) == 9)
        #expect(scaling.devices(for: load(0, waiting: 0), at: 100) == 9)
        #expect(scaling.devices(for: load(0, waiting: 0), at: 101) == 0)
    }

    @Test("It falls in steps to the most of what was needed in the time")
    func steps() {
        var scaling = WorkerScaling(policy)
        for (time, backlog) in [(0.0, 500.0), (10, 300), (20, 400), (30, 100)] {
            _ = scaling.devices(for: load(backlog, waiting: 20), at: time)
        }
        #expect(scaling.devices(for: load(0, waiting: 0), at: 60) == 5)
        #expect(scaling.devices(for: load(0, waiting: 0), at: 61) == 4)
        #expect(scaling.devices(for: load(0, waiting: 0), at: 81) == 1)
        #expect(scaling.devices(for: load(0, waiting: 0), at: 91) == 0)
    }
}
