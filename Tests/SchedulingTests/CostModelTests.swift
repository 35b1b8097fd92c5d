import Foundation
import Tasks
import Testing

@testable import Scheduling

@Suite("Scheduling: predicted seconds")
struct CostModelTests {
    private typealias Fixture = PolicyFixture

    private static func observation(
        _ work: Work,
        perStep: Double,
        model: ModelFacts = Fixture.tiny,
        mode: MemoryMode = .full,
        kind: DeviceKind = Fixture.cpu,
        rows: Int = 1
    ) -> CostObservation {
        CostObservation(
            work: work,
            model: model,
            mode: mode,
            kind: kind,
            rows: rows,
            steps: work.steps,
            load: 3,
            encode: 0.5,
            denoise: perStep * Double(work.steps),
            decode: 2,
            write: 0.25
        )
    }

    private static func tiny(_ width: Int, _ frames: Int, steps: Int = 10) -> Work {
        let shape = VideoShape(width: width, height: 64, numFrames: frames)
        return Fixture.work(shape, model: Fixture.tiny, steps: steps)
    }

    @Test(
        "Before anything is measured, a step takes what is published, on a known card within a tenth",
        arguments: [
            (672, 384, 25, 1.75), (672, 384, 49, 3.7), (1008, 576, 25, 4.7), (1008, 576, 49, 11.4),
            (1344, 768, 25, 10.6),
            (1344, 768, 49, 28.3),
        ]
    )
    func published(width: Int, height: Int, frames: Int, seconds: Double) {
        let work = Fixture.work(VideoShape(width: width, height: height, numFrames: frames))
        let costs = CostModel()
        let a100 = costs.estimate(work, model: Fixture.model, mode: .modelOffload, on: Fixture.a100).perStep
        #expect(abs(a100 / seconds - 1) < 0.05)
        // The table's times of an A10 are 2.6 times those of an A100, with 8-bit weights.
        let a10 = costs.estimate(work, model: Fixture.model, mode: .modelOffload8Bit, on: Fixture.a10).perStep
        #expect(abs(a10 / (2.62 * seconds) - 1) < 0.1)
        var unguided = work
        unguided.isGuided = false
        let half = costs.estimate(unguided, model: Fixture.model, mode: .modelOffload, on: Fixture.a100).perStep
        #expect(abs(half / (a100 / 2) - 1) < 0.01)
    }

    @Test("The time of a step grows faster than the tokens")
    func superlinear() {
        let costs = CostModel()
        func perToken(_ shape: VideoShape) -> Double {
            costs.estimate(Fixture.work(shape), model: Fixture.model, mode: .full, on: Fixture.a100).perStep
                / CostPrior.tokens(shape)
        }
        #expect(perToken(Fixture.small) < perToken(Fixture.medium))
        #expect(perToken(Fixture.medium) * 1.5 < perToken(Fixture.large))
    }

    @Test("What was measured wins, also where nothing was published")
    func exact() {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        #expect(costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).total(isWarm: false).isFinite)
        costs.learn(Self.observation(work, perStep: 0.4))
        let estimate = costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu)
        #expect(abs(estimate.perStep - 0.4) < 1e-9 && abs(estimate.load - 3) < 1e-9)
        #expect(abs(estimate.deviceSeconds(isWarm: true) - 6.5) < 1e-9)
        #expect(abs(estimate.deviceSeconds(isWarm: false) - 9.5) < 1e-9)
        #expect(abs(estimate.total(isWarm: true) - 6.75) < 1e-9)
    }

    @Test("Other shapes and modes follow the pace that was measured; another make of device does not")
    func nearby() {
        var costs = CostModel()
        let (seen, unseen) = (Fixture.work(Fixture.small), Fixture.work(Fixture.medium))
        let before = costs.estimate(unseen, model: Fixture.model, mode: .full, on: Fixture.a100).perStep
        let prior = costs.estimate(seen, model: Fixture.model, mode: .full, on: Fixture.a100).perStep
        costs.learn(Self.observation(seen, perStep: prior * 1.5, model: Fixture.model, kind: Fixture.a100))
        let after = costs.estimate(unseen, model: Fixture.model, mode: .full, on: Fixture.a100).perStep
        #expect(abs(after / before - 1.5) < 1e-6)
        let offload = costs.estimate(unseen, model: Fixture.model, mode: .modelOffload, on: Fixture.a100).perStep
        #expect(abs(offload / before - 1.5) < 1e-6)
        let other = costs.estimate(unseen, model: Fixture.model, mode: .full, on: Fixture.a10).perStep
        #expect(other == CostModel().estimate(unseen, model: Fixture.model, mode: .full, on: Fixture.a10).perStep)
    }

    @Test("One outlier moves nothing; two alike are the new truth")
    func outlier() {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        func perStep() -> Double { costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).perStep }
        for _ in 0..<5 { costs.learn(Self.observation(work, perStep: 1)) }
        costs.learn(Self.observation(work, perStep: 30))
        #expect(abs(perStep() - 1) < 1e-9)
        costs.learn(Self.observation(work, perStep: 1.1))
        #expect(perStep() < 1.1)
        costs.learn(Self.observation(work, perStep: 30))
        costs.learn(Self.observation(work, perStep: 28))
        #expect(perStep() > 25)
    }

    @Test("A slow change is followed")
    func drift() {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        for round in 0..<40 { costs.learn(Self.observation(work, perStep: 1 + Double(min(round, 20)) / 20)) }
        let perStep = costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).perStep
        #expect(abs(perStep - 2) < 0.1)
    }

    @Test("What was resumed is counted by the steps that it went through, and nonsense teaches nothing")
    func partial() {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        var resumed = Self.observation(work, perStep: 0)
        resumed.steps = 4
        resumed.denoise = 2
        costs.learn(resumed)
        #expect(abs(costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).perStep - 0.5) < 1e-9)
        let known = costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu)
        for nonsense in [Double.nan, -1, .infinity, 0] {
            costs.learn(Self.observation(work, perStep: nonsense))
        }
        #expect(costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).perStep == known.perStep)
    }

    @Test("A pass of several is told from what one takes, and does not change that")
    func rows() {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        costs.learn(Self.observation(work, perStep: 1))
        func perStep(_ rows: Int) -> Double {
            costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu, rows: rows).perStep
        }
        #expect(abs(perStep(4) - (1 + 3 * CostModel.expectedRowShare)) < 1e-9)
        costs.learn(Self.observation(work, perStep: 1.6, rows: 2))
        #expect(abs(perStep(1) - 1) < 1e-9)
        #expect(abs(perStep(4) - 2.8) < 1e-6)
    }

    @Test("A load that was none is not learned as one")
    func warm() {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        costs.learn(Self.observation(work, perStep: 1))
        var warm = Self.observation(work, perStep: 1)
        warm.load = 0
        for _ in 0..<10 { costs.learn(warm) }
        #expect(abs(costs.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).load - 3) < 1e-9)
    }

    @Test("What is remembered is bounded, and the newest stays")
    func bounded() {
        var costs = CostModel()
        for number in 1...(CostModel.exactLimit + 500) {
            costs.learn(Self.observation(Self.tiny(number, 1), perStep: Double(number)))
        }
        #expect(costs.exact.count <= CostModel.exactLimit && costs.exact.count > CostModel.exactLimit / 2)
        let last = Self.tiny(CostModel.exactLimit + 500, 1)
        let perStep = costs.estimate(last, model: Fixture.tiny, mode: .full, on: Fixture.cpu).perStep
        #expect(abs(perStep - Double(CostModel.exactLimit + 500)) < 1e-6)
    }

    @Test("It survives being stored, and what cannot be read gives one that has learned nothing")
    func stored() throws {
        var costs = CostModel()
        let work = Self.tiny(112, 49)
        costs.learn(Self.observation(work, perStep: 0.4))
        let bytes = try JSONEncoder().encode(costs)
        let read = try JSONDecoder().decode(CostModel.self, from: bytes)
        #expect(abs(read.estimate(work, model: Fixture.tiny, mode: .full, on: Fixture.cpu).perStep - 0.4) < 1e-9)
        let text = try #require(String(bytes: bytes, encoding: .utf8))
        let damaged = [
            "[]", "{}", "17", "null", #"{"format":1}"#, #"{"format":1,"exact":7,"general":[]}"#,
            text.replacing(#""format":1"#, with: #""format":99"#), text.replacing("0.4", with: "-0.4"),
            text.replacing(#""count":1"#, with: #""count":0"#),
        ]
        for text in damaged {
            let fresh = try JSONDecoder().decode(CostModel.self, from: Data(text.utf8))
            #expect(fresh.exact.count == 0 && fresh.general.count == 0, "\(text)")
        }
    }

    @Test(
        "The make of a device is found in its name",
        arguments: [
            "NVIDIA A100-SXM4-80GB": 312, "NVIDIA A10": 125, "NVIDIA H100 80GB HBM3": 989, "NVIDIA L40S": 362,
            "NVIDIA GeForce RTX 4090": 165, "Something else": 312, "NVIDIA A100-SXM4-40GB MIG 3g.20gb": 312 * 3.0 / 7,
            "": 312, "NVIDIA X MIG": 312, "cpu": 1.5,
        ] as [String: Double]
    )
    func makes(name: String, teraflops: Double) {
        #expect(abs(DeviceKind(name: name).expectedSpeed * 312 - teraflops) < 1e-9)
    }
}
