import Foundation
import Tasks
import TestSupport
import Testing

extension VideoRequest.Draft {
    /// Allows degradation down to these floors.
    mutating func floors(steps: Int? = nil, frames: Int? = nil, height: Int? = nil) {
        degrade = "allow"
        minSteps = steps
        minFrames = frames
        minHeight = height
    }
}

/// How far a request may be reduced, and what is left of it.
@Suite("Degradation of video requests")
struct RequestReductionTests {
    // MARK: What is asked for

    @Test("Less is made only for who allows it")
    func isAllowed() throws {
        #expect(try parse { _ in }.degradation == nil)
        #expect(try parse { $0.degrade = "never" }.degradation == nil)
        #expect(try parse { $0.degrade = "allow" }.degradation == DegradationFloor())
        #expect(
            try parse { $0.floors(steps: 10, frames: 9, height: 128) }.degradation
                == DegradationFloor(minSteps: 10, minFrames: 9, minHeight: 128)
        )
    }

    @Test(
        "A word that is not known is refused, and says nothing of the floors", arguments: ["", "Allow", "yes", "true"])
    func unknownWord(_ word: String) {
        #expect(
            violations {
                $0.degrade = word
                $0.minSteps = 5
                $0.minFrames = -1
            }.map(\.message) == ["degrade must be one of never, allow."]
        )
    }

    @Test("Floors mean nothing for who allows nothing", arguments: [nil, "never"])
    func floorsAlone(_ word: String?) {
        let found = faults {
            $0.floors(steps: 5, frames: 5, height: 128)
            $0.degrade = word
        }
        #expect(found == ["min_steps:not_allowed", "min_frames:not_allowed", "min_height:not_allowed"])
    }

    @Test("The ends of what a floor may be: the model's least, and what is asked for")
    func ends() {
        for (steps, frames, height) in [(1, 1, 64), (50, 49, 384)] {
            #expect(faults { $0.floors(steps: steps, frames: frames, height: height) }.isEmpty)
        }
        for (steps, frames, height) in [(0, 0, 63), (51, 50, 385), (-1, Int.min, .max), (101, 53, 1345)] {
            #expect(
                faults { $0.floors(steps: steps, frames: frames, height: height) }
                    == ["min_steps:out_of_range", "min_frames:out_of_range", "min_height:out_of_range"]
            )
        }
    }

    @Test("A floor need not be a length or a height that the model makes")
    func betweenSteps() throws {
        let request = try parse { $0.floors(frames: 10, height: 129) }
        #expect(request.degradation == DegradationFloor(minFrames: 10, minHeight: 129))
    }

    @Test("A floor above what is asked for says what was asked for")
    func aboveAsked() {
        let found = violations {
            $0.numInferenceSteps = 20
            $0.numFrames = 25
            $0.height = 256
            $0.floors(steps: 21, frames: 26, height: 257)
        }
        #expect(
            found.map(\.message) == [
                "min_steps must be at most num_inference_steps, which is 20; it is 21.",
                "min_frames must be at most num_frames, which is 25; it is 26.",
                "min_height must be at most height, which is 256; it is 257.",
            ]
        )
    }

    @Test("From a value that is wrong itself nothing follows for its floor")
    func wrongValues() {
        #expect(
            faults {
                $0.numInferenceSteps = 0
                $0.numFrames = 2
                $0.height = 65
                $0.floors(steps: 50, frames: 49, height: 384)
            } == ["height:not_a_multiple", "num_frames:wrong_frame_count", "num_inference_steps:out_of_range"]
        )
        let earlier = Violation(field: "num_inference_steps", code: .wrongType, message: "It must be a number.")
        #expect(violations(after: [earlier]) { $0.floors(steps: 90) } == [earlier])
    }

    @Test("A floor that could not be read is not judged again")
    func unreadableFloor() {
        let earlier = Violation(field: "min_steps", code: .wrongType, message: "min_steps must be a number.")
        #expect(violations(after: [earlier]) { $0.degrade = "allow" } == [earlier])
        let word = Violation(field: "degrade", code: .wrongType, message: "degrade must be a string.")
        #expect(violations(after: [word]) { $0.minSteps = 5 } == [word])
    }

    // MARK: Spelling

    @Test("A request of the version that had only allow_degradation is read, and keeps its bytes")
    func oldRows() throws {
        let old = #"""
            {"allow_degradation":true,"fps":8,"guidance_scale":5,"height":384,"negative_prompt":"","num_frames":49,"num_inference_steps":50,"prompt":"a cat","width":672}
            """#
        let request = try VideoRequest(canonicalBytes: Data(old.utf8))
        #expect(request.degradation == DegradationFloor())
        #expect(try request == parse { $0.degrade = "allow" })
        #expect(String(decoding: request.canonicalBytes, as: UTF8.self) == old)
    }

    @Test("Floors have one spelling, and are read back")
    func floors() throws {
        let request = try parse { $0.floors(steps: 10, frames: 9, height: 128) }
        #expect(
            String(decoding: request.canonicalBytes, as: UTF8.self) == #"""
                {"allow_degradation":true,"fps":8,"guidance_scale":5,"height":384,"min_frames":9,"min_height":128,"min_steps":10,"negative_prompt":"","num_frames":49,"num_inference_steps":50,"prompt":"a cat","width":672}
                """#
        )
        #expect(try VideoRequest(canonicalBytes: request.canonicalBytes) == request)
    }

    // MARK: What is made

    @Test("What is made whole is what a request without degradation asks for")
    func whole() throws {
        let request = try parse { $0.floors(steps: 10) }
        #expect(try request.withoutDegradation == parse { _ in })
        #expect(request.reduced(by: AttemptPlan()) == request.withoutDegradation)
        // How the model is held changes nothing of what is asked of it.
        #expect(request.reduced(by: AttemptPlan(memoryMode: .sequentialOffload)) == request.withoutDegradation)
    }

    @Test("What is made of a reduced request is just what one that asks for so much has made")
    func equalKeys() throws {
        let request = try parse { $0.floors(steps: 10, frames: 9, height: 128) }
        let plan = AttemptPlan(
            memoryMode: .modelOffload,
            shape: VideoShape(width: 448, height: 256, numFrames: 25),
            steps: 30,
            stepCache: .balanced
        )
        let asked = try parse {
            $0.width = 448
            $0.height = 256
            $0.numFrames = 25
            $0.numInferenceSteps = 30
            $0.stepCache = "balanced"
        }
        #expect(request.reduced(by: plan) == asked)
        #expect(request.reduced(by: plan).canonicalBytes == asked.canonicalBytes)
    }

    @Test("No plan makes more of a request than it asks for")
    func neverMore() throws {
        let request = try parse {
            $0.numInferenceSteps = 20
            $0.stepCache = "fast"
        }
        let plan = AttemptPlan(
            shape: VideoShape(width: 1344, height: 768, numFrames: 97),
            steps: 100,
            stepCache: .balanced
        )
        #expect(request.reduced(by: plan) == request)
    }

    // MARK: What was made

    private func generation(
        _ plan: AttemptPlan = AttemptPlan(),
        status: TaskStatus = .succeeded,
        _ change: (inout GenerationResult) -> Void = { _ in }
    ) throws -> Generation {
        var result = GenerationResult.fixture
        change(&result)
        return Generation(
            id: GenerationID(rawValue: 1),
            key: GenerationKey(rawValue: "key"),
            request: try parse { $0.degrade = "allow" },
            seed: 1,
            model: "versatile",
            status: status,
            priority: 0,
            attempts: 1,
            failures: 0,
            progress: nil,
            result: status == .succeeded ? result : nil,
            failure: nil,
            createdAt: Timestamp(milliseconds: 0),
            startedAt: nil,
            plan: plan
        )
    }

    @Test("A video that is all that was asked for is not degraded, whatever was planned on the way")
    func notDegraded() throws {
        #expect(try Degradation(of: generation()) == nil)
        #expect(try Degradation(of: generation(AttemptPlan(memoryMode: .modelOffload))) == nil)
        #expect(
            try Degradation(
                of: generation {
                    $0.steps = 50
                    $0.stepCache = .off
                }
            ) == nil
        )
        // Rendered small and scaled is not made small.
        #expect(try Degradation(of: generation { $0.renderedHeight = 32 }) == nil)
    }

    @Test("Nothing is said of a video that is not there yet")
    func notYet() throws {
        let plan = AttemptPlan(steps: 10)
        for status in TaskStatus.allCases where status != .succeeded {
            #expect(try Degradation(of: generation(plan, status: status)) == nil)
        }
    }

    @Test("Each thing that was reduced is told with what was asked for")
    func changes() throws {
        let degradation = try #require(
            try Degradation(
                of: generation(AttemptPlan(steps: 30)) {
                    $0.steps = 30
                    $0.stepCache = .fast
                    $0.numFrames = 25
                    $0.width = 448
                    $0.height = 256
                }
            )
        )
        #expect(degradation.steps == .init(asked: 50, made: 30))
        #expect(degradation.stepCache == .init(asked: .off, made: .fast))
        #expect(degradation.frames == .init(asked: 49, made: 25))
        #expect(degradation.width == .init(asked: 672, made: 448))
        #expect(degradation.height == .init(asked: 384, made: 256))
        #expect(degradation.reason == .load)
    }

    @Test("What was not reduced is not told")
    func unchanged() throws {
        let degradation = try #require(try Degradation(of: generation { $0.steps = 49 }))
        #expect(degradation.steps == .init(asked: 50, made: 49))
        #expect(degradation.stepCache == nil && degradation.frames == nil)
        #expect(degradation.width == nil && degradation.height == nil)
    }

    @Test("A lack of memory leaves its mode in the plan, and so is told from load")
    func reasons() throws {
        let lack = AttemptPlan(memoryMode: .full, shape: VideoShape(width: 672, height: 384, numFrames: 25))
        #expect(try Degradation(of: generation(lack) { $0.numFrames = 25 })?.reason == .memory)
        let load = AttemptPlan(shape: VideoShape(width: 672, height: 384, numFrames: 25))
        #expect(try Degradation(of: generation(load) { $0.numFrames = 25 })?.reason == .load)
        // Fewer steps need no less memory, so that it was load as well.
        #expect(
            try Degradation(
                of: generation(lack) {
                    $0.numFrames = 25
                    $0.steps = 20
                }
            )?.reason == .load
        )
    }
}
