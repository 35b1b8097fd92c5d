import Tasks
import TestSupport
import Testing

@testable import API

struct OpenAIWireTests {
    @Test("An id is that of the task, without hyphens")
    func ids() {
        let id = TaskID.fixture(7)
        #expect(OpenAIVideoID.text(id) == "video_019300aa000070008000000000000007")
        #expect(OpenAIVideoID.task(OpenAIVideoID.text(id)) == id)
    }

    @Test(
        "Anything else is no id",
        arguments: [
            "", "video_", "019300aa000070008000000000000007", "video_019300AA000070008000000000000007",
            "video_019300aa00007000800000000000000", "video_019300aa-0000-7000-8000-000000000007", "video_\u{e9}",
        ]
    )
    func noIDs(_ text: String) {
        #expect(OpenAIVideoID.task(text) == nil)
    }

    @Test(
        "Seconds become the nearest number of frames that the model makes",
        arguments: [
            (0.01, 1), (0.5, 5), (1, 9), (4, 33), (5, 41), (6, 49), (6.125, 49), (4.4, 37), (0.3, 1),
        ] as [(Double, Int)]
    )
    func frames(_ seconds: Double, _ expected: Int) throws {
        let frames = try OpenAIDuration.frames(seconds, at: 8, within: ModelDescription.fixture.limits, "seconds")
        #expect(frames == expected)
    }

    @Test("More seconds than the model makes are refused, and the most is named", arguments: [6.126, 7, 1e300])
    func tooLong(_ seconds: Double) {
        let fault = #expect(throws: FieldFault.self) {
            try OpenAIDuration.frames(seconds, at: 8, within: ModelDescription.fixture.limits, "seconds")
        }
        #expect(fault?.code == .outOfRange)
        #expect(fault?.message.hasPrefix("seconds must be at most 6.125, which are 49 frames at 8 fps") == true)
    }

    @Test("Frames become seconds without zeros at the end")
    func seconds() {
        #expect(OpenAIDuration.text(frames: 49, at: 8) == "6.125")
        #expect(OpenAIDuration.text(frames: 32, at: 8) == "4")
        #expect(OpenAIDuration.text(frames: 49, at: 24) == "2.042")
    }

    static let bodies: [(String, [String])] = [
        (#"{"prompt":"a","seconds":"4","size":"768x448"}"#, []),
        (#"{"prompt":"a","seconds":4.5,"model":"m","seed":3,"callback_url":null}"#, []),
        (#"{"prompt":"a","seconds":"four"}"#, ["seconds:wrong_type"]),
        (#"{"prompt":"a","seconds":"nan"}"#, ["seconds:wrong_type"]),
        (#"{"prompt":"a","seconds":0}"#, ["seconds:out_of_range"]),
        (#"{"prompt":"a","seconds":[4]}"#, ["seconds:wrong_type"]),
        (#"{"prompt":"a","size":"768*448"}"#, ["size:not_allowed"]),
        (#"{"prompt":"a","size":"768x448x2"}"#, ["size:not_allowed"]),
        (#"{"prompt":"a","size":"-1x9999999"}"#, ["size:not_allowed"]),
        (#"{"prompt":"a","size":"64x64","width":64}"#, ["size:not_allowed"]),
        (#"{"prompt":"a","seconds":1,"num_frames":9}"#, ["seconds:not_allowed"]),
        (#"{"prompt":"a","second":1}"#, ["second:unknown_field"]),
        (#"{"prompt":"a","size":"64x64","size":"64x64"}"#, ["size:not_allowed"]),
        (#"{"prompt":"a","input_reference":5}"#, ["input_reference:wrong_type"]),
        (#"{"prompt":"a","input_reference":{}}"#, ["input_reference:not_allowed"]),
        (#"{"prompt":"a","input_reference":{"file_id":"x"}}"#, ["input_reference:not_allowed"]),
        (#"{"prompt":"a","input_reference":{"image_url":"data:image/png;base64,AAAA"}}"#, []),
        (
            #"{"prompt":"a","input_reference":{"image_url":"data:image/png;base64,AAAA","file_id":"x"}}"#,
            ["input_reference:not_allowed"]
        ),
        (
            #"{"prompt":"a","input_reference":{"file_id":"data:image/png;base64,AAAA"},"start_image":"x"}"#,
            ["input_reference:not_allowed", "start_image:not_allowed", "input_reference:not_allowed"]
        ),
    ]

    @Test("The fields of both APIs are read, and each thing is said once", arguments: bodies)
    func fields(_ body: String, _ expected: [String]) throws {
        let wire = try OpenAIVideoWire(Array(body.utf8), policies: VideoWire.Policies())
        #expect(Set(wire.violations.map { "\($0.field):\($0.code.rawValue)" }) == Set(expected))
        #expect(wire.violations.count == expected.count)
    }

    @Test("A misspelt field is pointed to its name, whichever API has it")
    func hints() throws {
        let wire = try OpenAIVideoWire(Array(#"{"second":1,"promt":"a"}"#.utf8), policies: VideoWire.Policies())
        #expect(wire.violations.map(\.message).contains { $0.hasSuffix("Did you mean seconds?") })
        #expect(wire.violations.map(\.message).contains { $0.hasSuffix("Did you mean prompt?") })
    }

    @Test("The texts of a form become what a JSON body would have")
    func form() {
        let fields = [
            ("prompt", "42"), ("seed", "42"), ("guidance_scale", "4.5"), ("deterministic", "true"), ("seconds", "4"),
            ("loras", #"[{"name":"film"}]"#), ("callback_events[]", "task.failed"),
            ("callback_events[]", "task.succeeded"), ("num_inference_steps", "many"),
            ("input_reference[image_url]", "data:image/png;base64,AAAA"),
        ]
        .map { OpenAIFormField(name: $0.0, text: $0.1) }
        let joined = Dictionary(uniqueKeysWithValues: OpenAIFormField.joined(fields).map { ($0.name, $0.value) })
        #expect(joined["prompt"] == .string("42"))
        #expect(joined["seed"] == .integer(42))
        #expect(joined["guidance_scale"] == .number(4.5))
        #expect(joined["deterministic"] == .bool(true))
        #expect(joined["seconds"] == .string("4"))
        #expect(joined["loras"] == .array([.object([JSONMember(name: "name", value: .string("film"))])]))
        #expect(joined["callback_events"] == .array([.string("task.failed"), .string("task.succeeded")]))
        #expect(joined["num_inference_steps"] == .string("many"))
        #expect(
            joined["input_reference"]
                == .object([JSONMember(name: "image_url", value: .string("data:image/png;base64,AAAA"))]))
    }

    @Test("An alias is two names with a sign between them")
    func aliases() {
        let settings = APISettings(openAIModelAliases: ["sora-2=a", "x= b"].compactMap { OpenAIModelAlias($0) })
        #expect(settings.openAIModel("sora-2") == "a")
        #expect(settings.openAIModel("x") == "b")
        #expect(settings.openAIModel("other") == "other")
        for text in ["", "a", "a=", "=b", "a=b=c"] { #expect(OpenAIModelAlias(text) == nil) }
    }

    @Test(
        "A client is asked to come back when the video is there, within bounds",
        arguments: [(nil, 1000), (0, 250), (-3, 250), (2.5, 2500), (3600, 10_000), (.infinity, 1000)]
            as [(Double?, Int)]
    )
    func poll(_ eta: Double?, _ expected: Int) {
        #expect(OpenAIPoll.milliseconds(eta: eta) == expected)
    }
}
