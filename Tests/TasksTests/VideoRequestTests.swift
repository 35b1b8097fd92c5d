import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Video requests")
struct VideoRequestTests {
    private func violations(_ change: (inout VideoRequest.Draft) -> Void) -> [Violation] {
        var draft = VideoRequest.Draft()
        draft.prompt = "a cat"
        change(&draft)
        do throws(RequestRejection) {
            _ = try VideoRequest(draft, for: .fixture)
            return []
        } catch {
            return error.violations
        }
    }

    @Test("The article's request is valid as it stands")
    func articleRequest() throws {
        var draft = VideoRequest.Draft()
        draft.prompt = "一只猫在草地上玩耍"
        draft.negativePrompt = "低质量,模糊"
        draft.width = 768
        draft.height = 448
        draft.numFrames = 49
        let request = try VideoRequest(draft, for: .fixture)
        #expect(request.prompt == "一只猫在草地上玩耍")
        #expect(request.numInferenceSteps == 50)
        #expect(request.seed == nil)
    }

    @Test("What is left out comes from the model")
    func defaults() throws {
        let request = try VideoRequest.fixture()
        let defaults = ModelDescription.fixture.defaults
        #expect(request.width == defaults.width)
        #expect(request.height == defaults.height)
        #expect(request.numFrames == defaults.numFrames)
        #expect(request.numInferenceSteps == defaults.numInferenceSteps)
        #expect(request.guidanceScale == defaults.guidanceScale)
        #expect(request.fps == defaults.fps)
        #expect(request.negativePrompt == "")
    }

    struct BadDraft: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var field: String
        var code: Violation.Code
        var change: @Sendable (inout VideoRequest.Draft) -> Void

        init(
            _ testDescription: String,
            _ field: String,
            _ code: Violation.Code,
            _ change: @escaping @Sendable (inout VideoRequest.Draft) -> Void
        ) {
            self.testDescription = testDescription
            self.field = field
            self.code = code
            self.change = change
        }
    }

    static let badDrafts: [BadDraft] = [
        BadDraft("no prompt", "prompt", .required) { $0.prompt = nil },
        BadDraft("empty prompt", "prompt", .empty) { $0.prompt = "" },
        BadDraft("blank prompt", "prompt", .empty) { $0.prompt = " \n\u{3000}\t" },
        BadDraft("long prompt", "prompt", .tooLong) { $0.prompt = String(repeating: "猫", count: 2001) },
        BadDraft("control character", "prompt", .notText) { $0.prompt = "a\u{0}cat" },
        BadDraft("long negative", "negative_prompt", .tooLong) {
            $0.negativePrompt = String(repeating: "x", count: 2001)
        },
        BadDraft("width floored by the pipeline", "width", .notAMultiple) { $0.width = 770 },
        BadDraft("height off by one", "height", .notAMultiple) { $0.height = 449 },
        BadDraft("narrow", "width", .outOfRange) { $0.width = 48 },
        BadDraft("negative height", "height", .outOfRange) { $0.height = -64 },
        BadDraft("zero", "width", .outOfRange) { $0.width = 0 },
        BadDraft("huge", "width", .outOfRange) { $0.width = .max },
        BadDraft("too many pixels", "width", .tooManyPixels) {
            $0.width = 1344
            $0.height = 1344
        },
        BadDraft("frames not 4k+1", "num_frames", .wrongFrameCount) { $0.numFrames = 48 },
        BadDraft("no frames", "num_frames", .outOfRange) { $0.numFrames = 0 },
        BadDraft("too many frames", "num_frames", .outOfRange) { $0.numFrames = 53 },
        BadDraft("no steps", "num_inference_steps", .outOfRange) { $0.numInferenceSteps = 0 },
        BadDraft("many steps", "num_inference_steps", .outOfRange) { $0.numInferenceSteps = 101 },
        BadDraft("low guidance", "guidance_scale", .outOfRange) { $0.guidanceScale = 0.99 },
        BadDraft("guidance that is no number", "guidance_scale", .outOfRange) { $0.guidanceScale = .nan },
        BadDraft("no frames a second", "fps", .outOfRange) { $0.fps = 0 },
        BadDraft("negative seed", "seed", .outOfRange) { $0.seed = -1 },
        BadDraft("large seed", "seed", .outOfRange) { $0.seed = 4_294_967_296 },
    ]

    @Test("A bad field is named with a stable code", arguments: badDrafts)
    func badField(_ bad: BadDraft) {
        let violations = violations(bad.change)
        #expect(violations.map(\.field) == [bad.field])
        #expect(violations.map(\.code) == [bad.code])
        #expect(violations.allSatisfy { $0.message.contains(bad.field) || $0.code == .tooManyPixels })
    }

    @Test("Everything that is wrong is said at once, after what was found before")
    func allAtOnce() {
        var draft = VideoRequest.Draft()
        draft.width = 1
        draft.height = 449
        draft.numFrames = 2
        draft.numInferenceSteps = -1
        draft.guidanceScale = 100
        draft.fps = 1000
        draft.seed = -5
        let earlier = Violation(field: "fps", code: .wrongType, message: "fps must be a number.")
        let rejection = #expect(throws: RequestRejection.self) {
            try VideoRequest(draft, for: .fixture, after: [earlier])
        }
        #expect(
            rejection?.violations.map(\.field)
                == ["fps", "prompt", "width", "height", "num_frames", "num_inference_steps", "guidance_scale", "seed"]
        )
        #expect(rejection?.violations.first == earlier)
    }

    @Test("The nearest sizes in a message are sizes that would be accepted")
    func nearest() {
        let message = violations { $0.width = 1340 }.first?.message ?? ""
        #expect(message.hasSuffix("Nearest: 1328 or 1344."))
        #expect(violations { $0.numFrames = 48 }.first?.message.hasSuffix("Nearest: 45 or 49.") == true)
    }

    @Test("One text has one spelling")
    func normalisation() throws {
        for (one, other) in [
            ("  cafe\u{301}\n", "caf\u{e9}"), ("\u{3000}猫\u{3000}", "猫"), ("\u{304B}\u{3099}", "\u{304C}"),
            ("\u{F900}", "\u{8C48}"), ("\u{1112}\u{1161}\u{11AB}", "\u{D55C}"),
        ] {
            let bytes = try VideoRequest.fixture(one).canonicalBytes
            #expect(try bytes == VideoRequest.fixture(other).canonicalBytes)
        }
    }

    @Test("Canonical bytes are what they always were")
    func canonicalBytes() throws {
        let request = try VideoRequest.fixture("猫 \"a/b\"", seed: 5)
        let text = String(decoding: request.canonicalBytes, as: UTF8.self)
        #expect(
            text == #"""
                {"fps":8,"guidance_scale":5,"height":384,"negative_prompt":"","num_frames":49,"num_inference_steps":50,"prompt":"猫 \"a/b\"","seed":5,"width":672}
                """#
        )
        #expect(try VideoRequest(canonicalBytes: request.canonicalBytes) == request)
    }

    @Test("Any change of a parameter changes the canonical bytes")
    func canonicalBytesDiffer() throws {
        let changes: [(inout VideoRequest.Draft) -> Void] = [
            { _ in }, { $0.prompt = "a dog" }, { $0.negativePrompt = "blurry" }, { $0.width = 688 },
            { $0.height = 400 }, { $0.numFrames = 45 }, { $0.numInferenceSteps = 49 }, { $0.guidanceScale = 5.5 },
            { $0.fps = 9 }, { $0.seed = 0 },
        ]
        let spellings = try changes.map { change in
            var draft = VideoRequest.Draft()
            draft.prompt = "a cat"
            change(&draft)
            return try VideoRequest(draft, for: .fixture).canonicalBytes
        }
        #expect(Set(spellings).count == changes.count)
    }
}
