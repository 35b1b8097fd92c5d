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
            ),
            policies: VideoWire.Policies()
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

        let empty = try VideoWire(
            Array(#"{"prompt":"a","seed":null,"width":null}"#.utf8), policies: VideoWire.Policies())
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
            ("urgency", nil), ("", nil), ("startImage", "start_image"), ("lora", "loras"), ("stepcache", "step_cache"),
            ("_", nil), ("完全不同", nil), ("image", nil),
        ] as [(String, String?)]
    )
    func hints(_ given: String, _ meant: String?) throws {
        let wire = try VideoWire(Array("{\"prompt\":\"a\",\"\(given)\":1}".utf8), policies: VideoWire.Policies())
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
        let wire = try VideoWire(Array("{\(members.joined(separator: ","))}".utf8), policies: VideoWire.Policies())
        #expect(wire.violations.count == VideoWire.maxViolations)
        #expect(wire.violations.allSatisfy { $0.field.count <= 64 })
    }

    private func read(_ body: String) throws -> VideoWire {
        try VideoWire(Array(body.utf8), policies: VideoWire.Policies())
    }

    @Test("A callback is told of every end, unless the client names the events")
    func callback() throws {
        let plain = try read(#"{"prompt":"a","callback_url":"https://example.org/hook?of=me"}"#)
        #expect(plain.violations.isEmpty)
        let callback = try #require(plain.callback(origin: "https://video.example.org"))
        #expect(callback.url.text == "https://example.org/hook?of=me")
        #expect(callback.events == CallbackEvent.ends)
        #expect(callback.origin == "https://video.example.org")
        let named = try read(
            #"{"callback_events":["task.progress","task.failed"],"callback_url":"https://example.org/","prompt":"a"}"#
        )
        #expect(named.violations.isEmpty)
        #expect(named.callback(origin: "")?.events == [.progress, .failed])
        #expect(try read(#"{"prompt":"a","callback_url":null}"#).callback(origin: "") == nil)
    }

    @Test("The cache is used unless the client says otherwise")
    func cache() throws {
        #expect(try read(#"{"prompt":"a"}"#).cache == .use)
        for use in CacheUse.allCases {
            #expect(try read("{\"prompt\":\"a\",\"cache\":\"\(use.rawValue)\"}").cache == use)
        }
    }

    @Test(
        "What is wrong with a callback or the cache is a violation of its field",
        arguments: [
            (#""callback_url":7"#, "callback_url", .wrongType),
            (#""callback_url":"http://example.org/""#, "callback_url", .notAllowed),
            (#""callback_url":"https://10.0.0.1/""#, "callback_url", .notAllowed),
            (#""callback_url":"""#, "callback_url", .notAllowed),
            (#""callback_events":["task.failed"]"#, "callback_events", .notAllowed),
            (#""callback_url":"https://example.org/","callback_events":[]"#, "callback_events", .empty),
            (#""callback_url":"https://example.org/","callback_events":"task.failed""#, "callback_events", .wrongType),
            (#""callback_url":"https://example.org/","callback_events":[1]"#, "callback_events", .wrongType),
            (#""callback_url":"https://example.org/","callback_events":["failed"]"#, "callback_events", .notAllowed),
            (
                #""callback_url":"https://example.org/","callback_events":["task.failed","task.failed"]"#,
                "callback_events", .notAllowed
            ),
            (#""cache":"never""#, "cache", .notAllowed), (#""cache":true"#, "cache", .wrongType),
        ] as [(String, String, Violation.Code)]
    )
    func wrongCallback(_ member: String, _ field: String, _ code: Violation.Code) throws {
        let violations = try read("{\"prompt\":\"a\",\(member)}").violations
        #expect(violations.map(\.field) == [field])
        #expect(violations.map(\.code) == [code])
    }
}
