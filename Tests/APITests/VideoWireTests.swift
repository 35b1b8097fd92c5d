import Tasks
import TestSupport
import Testing

@testable import API

struct VideoWireTests {
    @Test("Every field is read, and null counts as left out")
    func fields() throws {
        let wire = try VideoWire(
            Array(
                #"""
                {"prompt":"a","negative_prompt":"b","width":768,"height":448.0,"num_frames":4.9e1,"num_inference_steps":20,
                "guidance_scale":5,"fps":8,"seed":7}
                """#.utf8
            )
        )
        #expect(wire.violations.isEmpty)
        var draft = VideoRequest.Draft()
        draft.prompt = "a"
        draft.negativePrompt = "b"
        draft.width = 768
        draft.height = 448
        draft.numFrames = 49
        draft.numInferenceSteps = 20
        draft.guidanceScale = 5
        draft.fps = 8
        draft.seed = 7
        #expect(wire.draft == draft)

        let empty = try VideoWire(Array(#"{"prompt":"a","seed":null,"width":null}"#.utf8))
        #expect(empty.violations.isEmpty)
        #expect(empty.draft.seed == nil)
    }

    @Test(
        "A misspelt field is refused with the nearest known name",
        arguments: [
            ("num_frame", "num_frames"), ("numFrames", "num_frames"), ("frames", nil), ("heigth", "height"),
            ("widht", "width"), ("promt", "prompt"), ("negativePrompt", "negative_prompt"),
            ("negative-prompt", "negative_prompt"), ("guidance", nil), ("guidance_scal", "guidance_scale"),
            ("seeds", "seed"), ("FPS", "fps"), ("steps", nil), ("num_inference_step", "num_inference_steps"),
            ("priority", nil), ("", nil), ("_", nil), ("完全不同", nil), ("image", nil),
        ] as [(String, String?)]
    )
    func hints(_ given: String, _ meant: String?) throws {
        let wire = try VideoWire(Array("{\"prompt\":\"a\",\"\(given)\":1}".utf8))
        let violation = try #require(wire.violations.first)
        #expect(violation.code == .unknownField)
        #expect(violation.field == given)
        if let meant {
            #expect(violation.message.hasSuffix("Did you mean \(meant)?"), "\(violation.message)")
        } else {
            #expect(!violation.message.contains("Did you mean"), "\(violation.message)")
        }
    }

    @Test("A body with very many faults gets a bounded list")
    func bounded() throws {
        let members = (0..<5000).map { "\"field\($0)\(String(repeating: "x", count: 100))\":1" }
        let wire = try VideoWire(Array("{\(members.joined(separator: ","))}".utf8))
        #expect(wire.violations.count == VideoWire.maxViolations)
        #expect(wire.violations.allSatisfy { $0.field.count <= 64 })
    }
}
