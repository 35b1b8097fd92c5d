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
        model: "easyanimate-tiny-InP",
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

    /// With everything that may be left out.
    static let tagged = {
        var tagged = command
        tagged.strength = 0.7
        tagged.stepCache = "fast"
        tagged.loras = [.init(name: "ink", scale: 0.5)]
        tagged.inputs = [.startImage: "/media/ab"]
        tagged.memoryMode = .modelOffload8Bit
        tagged.checkpoint = .init(file: "/checkpoints/1.safetensors", every: 5)
        tagged.preview = .init(file: "/previews/1.webp", every: 2)
        tagged.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        tagged.metadata = VideoMetadata(title: "猫", description: "猫在草地上", comment: "seed=7; model=\"x\"")
        return tagged
    }()

    /// What shares a pass with `command`.
    private static let companions = {
        var plain = command
        plain.id = "g-2"
        plain.prompt = "狗"
        plain.negativePrompt = ""
        plain.seed = 0
        plain.output = "/videos/g-2.mp4"
        var full = command
        full.id = "g-3"
        full.prompt = "a bird"
        full.negativePrompt = "blurry"
        full.seed = 7
        full.output = "/videos/g-3.mp4"
        full.metadata = VideoMetadata(title: "a bird", description: "a bird", comment: "")
        full.checkpoint = .init(file: "/checkpoints/3.safetensors", every: 5)
        full.preview = .init(file: "/previews/3.webp", every: 2)
        full.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        return [plain, full]
    }()

    @Test("Every message of an engine is read as it is in its file")
    func readsMessages() throws {
        #expect(
            try Self.read("refused")
                == .refused(.init(code: "model_not_found", message: "There is no such directory."))
        )
        #expect(try Self.read("loading") == .loading)
        #expect(try Self.read("loaded") == .loaded(.init(seconds: 12.5)))
        #expect(try Self.read("resumed") == .resumed(.init(id: "g-1", step: 6)))
        #expect(try Self.read("checkpointed") == .checkpointed(.init(id: "g-1", step: 8, bytes: 143_360)))
        #expect(try Self.read("preview") == .preview(.init(id: "g-1", step: 8, bytes: 3000)))
        #expect(try Self.read("progress") == .progress(.init(id: "g-1", stage: .denoise, step: 3, totalSteps: 20)))
        #expect(try Self.read("released") == .released(.init(ids: ["g-1", "g-2"])))
        #expect(try Self.read("parked") == .parked(.init(freeBytes: 23_900_000_000)))
        #expect(
            try Self.read("failed")
                == .failed(
                    .init(
                        id: "g-1",
                        kind: .outOfMemory,
                        code: "out_of_memory",
                        message: "The device is full.",
                        stage: .decode,
                        freeBytesBefore: 24_000_000_000,
                        freeBytesAfter: 23_900_000_000
                    )
                )
        )
        guard case .done(let done) = try Self.read("done") else {
            Issue.record("done is read as something else")
            return
        }
        #expect(done.memoryMode == .modelOffload && done.resumedStep == 6 && done.skippedSteps == 3)
        #expect(done.file == "/videos/g-1.mp4" && done.renderedWidth == 112 && done.seed == .max)
        #expect(done.seconds["denoise"] == 10 && done.peakBytes == 21_000_000_000)
    }

    @Test("A hello is read with its whole model")
    func readsHello() throws {
        guard case .hello(let hello) = try Self.read("hello") else {
            Issue.record("hello is read as something else")
            return
        }
        #expect(hello.protocol == 3 && hello.engineVersion == "0.1.0" && hello.device == "cuda:0")
        let model = try #require(hello.models.first)
        #expect(model.isSound && model.maxBatch == 16)
        #expect(model.nativeShapes == [[112, 64], [64, 64], [64, 112]])
        #expect(model.defaults.numInferenceSteps == 50 && model.defaults.strength == 0.7)
        #expect(model.inputs == [.startImage, .endImage, .video] && model.memoryModes == [.full, .modelOffload8Bit])
        #expect(model.memoryTable.first?.minMemoryBytes == 2_000_000_000)
        #expect(hello.memoryBytes == 24_000_000_000 && hello.loras.first?.name == "ink")
    }

    @Test(
        "Every order of the server is written as it is in its file",
        arguments: [
            ("generate", EngineOrder.generate(command)), ("generate-tagged", .generate(tagged)),
            ("generate-pass", .generate(command, companions: companions)), ("park", .park),
            ("cancel", .cancel(id: "g-1")), ("yield", .yield(id: "g-1")), ("shutdown", .shutdown),
        ]
    )
    func writesOrders(name: String, order: EngineOrder) throws {
        let written = try JSONSerialization.jsonObject(with: JSONEncoder().encode(order)) as? NSDictionary
        let expected = try JSONSerialization.jsonObject(with: Self.file(name)) as? NSDictionary
        #expect(written == expected)
    }

    @Test("What an engine need not say is nothing where it does not")
    func readsWithoutOptions() throws {
        let parked = try JSONDecoder().decode(EngineMessage.self, from: Data(#"{"type":"parked"}"#.utf8))
        #expect(parked == .parked(.init()))
        func withoutOption(_ name: String, _ option: String) throws -> EngineMessage {
            let text = try #require(String(data: Self.file(name), encoding: .utf8))
            #expect(text.contains(option))
            return try JSONDecoder().decode(
                EngineMessage.self, from: Data(text.replacing(option, with: "").utf8))
        }
        guard case .done(let done) = try withoutOption("done", ",\n  \"peak_bytes\": 21000000000"),
            case .hello(let hello) = try withoutOption("hello", "\"max_batch\": 16,")
        else {
            Issue.record("they are read as something else")
            return
        }
        #expect(done.peakBytes == nil && hello.models.first?.maxBatch == 1)
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
            #"{"type":"done","id":"g"}"#, #"{"type":"released"}"#, #"{"type":"released","ids":[1]}"#,
        ]
    )
    func refusesOthers(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(EngineMessage.self, from: Data(text.utf8))
        }
    }
}
