import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: making less when too much waits")
struct DegradationPolicyTests {
    private typealias Fixture = PolicyFixture

    private static let limits = DegradationPolicy.Limits(
        model: ModelLimits(
            width: 256...1344,
            height: 256...1344,
            sizeMultiple: 16,
            maxPixels: 1_100_000,
            frames: 1...49,
            frameStep: 4,
            steps: 1...100,
            guidance: 1...20,
            fps: 1...60,
            maxPromptCharacters: 1000
        ),
        stepCache: [.off, .balanced]
    )

    private static let ladder = DegradationPolicy(ladder: [
        DegradationPolicy.Rung(afterWait: .seconds(100), action: .steps(0.6)),
        DegradationPolicy.Rung(afterWait: .seconds(200), action: .stepCache(.balanced)),
        DegradationPolicy.Rung(afterWait: .seconds(300), action: .frames(0.5)),
        DegradationPolicy.Rung(afterWait: .seconds(400), action: .size(0.75)),
    ])

    private static func plan(
        _ wait: Double,
        floor: DegradationFloor? = DegradationFloor(),
        _ change: (inout WaitingGeneration) -> Void = { _ in }
    ) -> AttemptPlan? {
        var waiting = Fixture.head(1, Fixture.work(Fixture.large, steps: 50), degradation: floor)
        change(&waiting)
        return ladder.plan(for: waiting, wait: wait, limits: limits)
    }

    @Test("The longer the wait, the more is left out, one thing after the other")
    func rungs() {
        #expect(Self.plan(99) == nil)
        #expect(Self.plan(100) == AttemptPlan(steps: 30))
        #expect(Self.plan(250) == AttemptPlan(steps: 30, stepCache: .balanced))
        let shorter = VideoShape(width: 1344, height: 768, numFrames: 25)
        #expect(Self.plan(300) == AttemptPlan(shape: shorter, steps: 30, stepCache: .balanced))
        let smaller = VideoShape(width: 1008, height: 576, numFrames: 25)
        #expect(Self.plan(1e9) == AttemptPlan(shape: smaller, steps: 30, stepCache: .balanced))
    }

    @Test("Who did not allow it gets all that was asked for, and so does what was begun")
    func refused() {
        #expect(Self.plan(1e9, floor: nil) == nil)
        #expect(Self.plan(1e9) { $0.hasStarted = true } == nil)
        let none = DegradationPolicy(ladder: [])
        let waiting = Fixture.head(1, degradation: DegradationFloor())
        #expect(none.plan(for: waiting, wait: 1e9, limits: Self.limits) == nil)
    }

    @Test("Floors are kept: it stops at them, or above where they are no value that the model makes")
    func floors() throws {
        let floor = DegradationFloor(minSteps: 40, minFrames: 30, minHeight: 600)
        let plan = try #require(Self.plan(1e9, floor: floor))
        #expect(plan.steps == 40)
        #expect(plan.shape == VideoShape(width: 1072, height: 608, numFrames: 33))
        let everything = DegradationFloor(minSteps: 50, minFrames: 49, minHeight: 768)
        #expect(Self.plan(1e9, floor: everything) == AttemptPlan(stepCache: .balanced))
        #expect(Self.plan(1e9, floor: DegradationFloor(minSteps: 999, minFrames: 999, minHeight: 9999))?.shape == nil)
    }

    @Test("A level that the model lacks is left out, and so is one that was asked for already")
    func cache() {
        let policy = DegradationPolicy(ladder: [
            DegradationPolicy.Rung(afterWait: .zero, action: .stepCache(.fast))
        ])
        let waiting = Fixture.head(1, degradation: DegradationFloor())
        #expect(policy.plan(for: waiting, wait: 1, limits: Self.limits) == nil)
        #expect(Self.plan(200) { $0.work.stepCache = .balanced } == AttemptPlan(steps: 30))
    }

    @Test("What a lack of memory has led to stays, and is only made less of")
    func merged() throws {
        let shape = VideoShape(width: 928, height: 528, numFrames: 25)
        let earlier = AttemptPlan(memoryMode: .sequentialOffload, shape: shape)
        let plan = try #require(Self.plan(1e9) { $0.plan = earlier })
        #expect(plan.memoryMode == .sequentialOffload && plan.shape == shape && plan.steps == 30)
    }

    @Test("Whatever the shares and floors, the result is one that the model makes, within floors, and never more")
    func property() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<3000 {
            let shape = VideoShape(
                width: 16 * Int.random(in: 16...84, using: &random),
                height: 16 * Int.random(in: 16...84, using: &random),
                numFrames: 4 * Int.random(in: 0...12, using: &random) + 1
            )
            let steps = Int.random(in: 1...100, using: &random)
            let floor = DegradationFloor(
                minSteps: Bool.random(using: &random) ? Int.random(in: 1...steps, using: &random) : nil,
                minFrames: Bool.random(using: &random) ? Int.random(in: 1...shape.numFrames, using: &random) : nil,
                minHeight: Bool.random(using: &random) ? Int.random(in: 256...shape.height, using: &random) : nil
            )
            let share = Double.random(in: -0.1...1.1, using: &random)
            let policy = DegradationPolicy(ladder: [
                DegradationPolicy.Rung(afterWait: .zero, action: .steps(share)),
                DegradationPolicy.Rung(afterWait: .seconds(1), action: .frames(share)),
                DegradationPolicy.Rung(afterWait: .seconds(2), action: .size(share)),
            ])
            let waiting = Fixture.head(1, Fixture.work(shape, steps: steps), degradation: floor)
            guard let plan = policy.plan(for: waiting, wait: 3, limits: Self.limits) else { continue }
            let made = plan.shape ?? shape
            #expect((floor.minSteps ?? 1)...steps ~= plan.steps ?? steps)
            #expect((floor.minFrames ?? 1)...shape.numFrames ~= made.numFrames && made.numFrames % 4 == 1)
            #expect((floor.minHeight ?? 256)...shape.height ~= made.height && made.height % 16 == 0)
            #expect(256...shape.width ~= made.width && made.width % 16 == 0)
            #expect(DegradationPolicy.allows(plan, for: waiting))
        }
    }

    @Test("Those that share a pass have to allow what is left out of it")
    func companions() {
        let shape = VideoShape(width: 1008, height: 576, numFrames: 25)
        let plan = AttemptPlan(shape: shape, steps: 30)
        func allows(_ floor: DegradationFloor?) -> Bool {
            DegradationPolicy.allows(
                plan, for: Fixture.head(2, Fixture.work(Fixture.large, steps: 50), degradation: floor))
        }
        #expect(allows(DegradationFloor()) && allows(DegradationFloor(minSteps: 30, minFrames: 25, minHeight: 576)))
        #expect(!allows(nil) && !allows(DegradationFloor(minSteps: 31)))
        #expect(!allows(DegradationFloor(minFrames: 26)) && !allows(DegradationFloor(minHeight: 577)))
        #expect(DegradationPolicy.allows(AttemptPlan(memoryMode: .full), for: Fixture.head(2)))
    }
}
