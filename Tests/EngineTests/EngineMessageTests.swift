import Foundation
import Testing

@testable import Engine

/// The wire, compared with the files in `Wire`.
@Suite("Engine messages")
struct EngineMessageTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Wire")

    private static func file(_ name: String) throws -> Data {
        try Data(contentsOf: directory.appending(path: "\(name).json"))
    }

    private static func read(_ name: String) throws -> EngineMessage {
        try JSONDecoder().decode(EngineMessage.self, from: file(name))
    }

    static let command = GenerateCommand(
        id: "g-1",
        prompt: "猫在草地上",
        negativePrompt: "blurry, \"text\"",
        width: 672,
        height: 384,
        numFrames: 49,
        numInferenceSteps: 50,
        guidanceScale: 5.5,
        fps: 8,
        seed: .max,
        output: "/videos/g-1.mp4"
    )

    static let tagged = {
        var tagged = command
        tagged.metadata = VideoMetadata(title: "猫", description: "猫在草地上", comment: "seed=7; model=\"x\"")
        return tagged
    }()

    @Test("Every message of an engine is read as it is in its file")
    func readsMessages() throws {
        #expect(
            try Self.read("refused")
                == .refused(.init(code: "model_not_found", message: "There is no such directory."))
        )
        #expect(try Self.read("loading") == .loading)
        #expect(try Self.read("loaded") == .loaded(.init(seconds: 12.5)))
        #expect(try Self.read("progress") == .progress(.init(id: "g-1", stage: .denoise, step: 3, totalSteps: 20)))
        #expect(
            try Self.read("failed")
                == .failed(
                    .init(id: "g-1", kind: .outOfMemory, code: "out_of_memory", message: "The device is full.")
                )
        )
        guard case .done(let done) = try Self.read("done") else {
            Issue.record("done is read as something else")
            return
        }
        #expect(done.file == "/videos/g-1.mp4" && done.renderedWidth == 112 && done.seed == .max)
        #expect(done.seconds["denoise"] == 10)
    }

    @Test("A hello is read with its whole model")
    func readsHello() throws {
        guard case .hello(let hello) = try Self.read("hello") else {
            Issue.record("hello is read as something else")
            return
        }
        #expect(hello.protocol == 1 && hello.engineVersion == "0.1.0" && hello.device == "cuda:0")
        #expect(hello.model.isSound)
        #expect(hello.model.nativeShapes == [[112, 64], [64, 64], [64, 112]])
        #expect(hello.model.defaults.numInferenceSteps == 50)
    }

    @Test(
        "Every order of the server is written as it is in its file",
        arguments: [
            ("generate", EngineOrder.generate(command)), ("generate-tagged", .generate(tagged)),
            ("cancel", .cancel(id: "g-1")), ("shutdown", .shutdown),
        ]
    )
    func writesOrders(name: String, order: EngineOrder) throws {
        let written = try JSONSerialization.jsonObject(with: JSONEncoder().encode(order)) as? NSDictionary
        let expected = try JSONSerialization.jsonObject(with: Self.file(name)) as? NSDictionary
        #expect(written == expected)
    }

    @Test("What a video says of itself is cut to what an engine takes")
    func cutsMetadata() {
        let long = String(repeating: "e\u{301}", count: VideoMetadata.maximumLength)
        let metadata = VideoMetadata(title: long, description: "short", comment: "")
        #expect(metadata.title.unicodeScalars.count == VideoMetadata.maximumLength)
        #expect(metadata.description == "short" && metadata.comment.isEmpty)
    }

    @Test("Fields that a newer engine adds are ignored")
    func ignoresUnknownFields() throws {
        let text = #"{"type":"loading","layers":7,"note":{"deep":[1,2]}}"#
        #expect(try JSONDecoder().decode(EngineMessage.self, from: Data(text.utf8)) == .loading)
    }

    @Test(
        "What is not of the protocol is refused",
        arguments: [
            #"{}"#, #"[]"#, #""hello""#, #"null"#, #"{"type":"unheard"}"#, #"{"type":7}"#,
            #"{"type":"loaded","seconds":"12"}"#, #"{"type":"loaded"}"#,
            #"{"type":"progress","id":"g","stage":"dream","step":1,"total_steps":2}"#,
            #"{"type":"progress","id":"g","stage":"denoise","step":1.5,"total_steps":2}"#,
            #"{"type":"progress","id":"g","stage":"denoise","step":true,"total_steps":2}"#,
            #"{"type":"progress","id":"g","stage":"denoise","step":99999999999999999999,"total_steps":2}"#,
            #"{"type":"failed","id":"g","kind":"bored","code":"c","message":"m"}"#,
            #"{"type":"done","id":"g"}"#,
        ]
    )
    func refusesOthers(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(EngineMessage.self, from: Data(text.utf8))
        }
    }
}
