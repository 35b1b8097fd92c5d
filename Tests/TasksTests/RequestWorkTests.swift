import Tasks
import TestSupport
import Testing

/// What a request costs, and with whom it may share a pass.
@Suite("Work and batches of video requests")
struct RequestWorkTests {
    private static let loras = [
        LoRADescription(name: "film", fingerprint: String(repeating: "1", count: 64), bytes: 1),
        LoRADescription(name: "ink", fingerprint: String(repeating: "2", count: 64), bytes: 1),
    ]

    private static func use(_ name: String, _ scale: Double = 1) -> VideoRequest.Draft.LoRA {
        VideoRequest.Draft.LoRA(name: name, scale: scale)
    }

    @Test("Work is the shape, the steps, and what changes the cost of a step")
    func work() throws {
        let request = try parse(loras: Self.loras) {
            $0.numInferenceSteps = 20
            $0.stepCache = "fast"
            $0.loras = [Self.use("ink"), Self.use("film", 0.5)]
        }
        #expect(
            request.work(model: "m")
                == Work(
                    model: "m",
                    shape: VideoShape(width: 672, height: 384, numFrames: 49),
                    steps: 20,
                    isGuided: true,
                    stepCache: .fast,
                    loras: ["film", "ink"]
                )
        )
    }

    @Test("Guidance of just 1 is none", arguments: [(1, false), (1.000_001, true), (20, true)])
    func guidance(_ scale: Double, _ isGuided: Bool) throws {
        #expect(try parse { $0.guidanceScale = scale }.work(model: "m").isGuided == isGuided)
    }

    @Test(
        "Of a video that is made anew only a part of the steps is computed, and never none",
        arguments: [(1, 50, 50), (0.7, 50, 35), (0.05, 50, 2), (0.05, 1, 1), (0.5, 1, 1), (0.99, 100, 99)]
    )
    func strength(_ strength: Double, _ steps: Int, _ computed: Int) throws {
        let request = try parse {
            $0.inputs = [.video: .video()]
            $0.strength = strength
            $0.numInferenceSteps = steps
        }
        #expect(request.work(model: "m").steps == computed)
    }

    @Test("What is made of a reduced request costs what one that asks for so much costs")
    func reducedWork() throws {
        let plan = AttemptPlan(shape: VideoShape(width: 336, height: 192, numFrames: 9), steps: 5, stepCache: .balanced)
        let work = try parse { $0.floors() }.reduced(by: plan).work(model: "m")
        #expect(work.shape == plan.shape && work.steps == 5 && work.stepCache == .balanced)
    }

    @Test("Prompts, the seed and the floors do not keep two from sharing a pass")
    func sharing() throws {
        let key = try parse { _ in }.batchKey(model: "m")
        #expect(key != nil)
        let changes: [(inout VideoRequest.Draft) -> Void] = [
            { $0.prompt = "a dog" }, { $0.negativePrompt = "blurry" }, { $0.seed = 7 }, { $0.degrade = "allow" },
            { $0.floors(steps: 3, frames: 5, height: 64) }, { $0.numFrames = 49 },
        ]
        for change in changes { #expect(try parse(change).batchKey(model: "m") == key) }
    }

    @Test("Everything else does")
    func apart() throws {
        let changes: [(inout VideoRequest.Draft) -> Void] = [
            { _ in }, { $0.width = 384 }, { $0.height = 672 }, { $0.numFrames = 45 }, { $0.numInferenceSteps = 49 },
            { $0.guidanceScale = 5.000_000_1 }, { $0.fps = 9 }, { $0.stepCache = "balanced" },
            {
                $0.width = 384
                $0.height = 672
            },
            { $0.loras = [Self.use("film")] }, { $0.loras = [Self.use("film", 0.5)] }, { $0.loras = [Self.use("ink")] },
            { $0.loras = [Self.use("ink"), Self.use("film")] },
        ]
        let keys = try changes.map { try parse(loras: Self.loras, $0).batchKey(model: "m") }
        #expect(Set(keys).count == changes.count)
        #expect(!keys.contains(nil))
        #expect(try parse { _ in }.batchKey(model: "n") != keys[0])
    }

    @Test("A LoRA whose file was replaced is another one")
    func replacedLoRA() throws {
        var replaced = Self.loras
        replaced[0].fingerprint = String(repeating: "9", count: 64)
        #expect(
            try parse(loras: Self.loras) { $0.loras = [Self.use("film")] }.batchKey(model: "m")
                != parse(loras: replaced) { $0.loras = [Self.use("film")] }.batchKey(model: "m")
        )
    }

    @Test("A name that looks like a part of another key makes no equal keys")
    func hostileNames() throws {
        let plain = try parse { _ in }
        let key = try #require(plain.batchKey(model: "m"))
        for name in ["", " ", " m", "m ", key, "\(key) m", "1* m"] {
            #expect(plain.batchKey(model: name) != key)
        }
    }

    @Test("Who brings a file runs alone", arguments: InputRole.allCases)
    func files(_ role: InputRole) throws {
        let media = role.kind == .video ? Media.video() : .picture()
        #expect(try parse { $0.inputs = [role: media] }.batchKey(model: "m") == nil)
    }
}
