import Testing

@testable import Engine

@Suite("Frames")
struct FrameCodecTests {
    private static func frame(_ text: String) -> [UInt8] {
        header(text.utf8.count) + Array(text.utf8)
    }

    private static func header(_ length: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(length).bigEndian, Array.init)
    }

    private static let progress = #"{"type":"progress","id":"g","stage":"denoise","step":1,"total_steps":2}"#
    private static let loading = #"{"type":"loading"}"#

    @Test("Messages are the same however the bytes are cut", arguments: [1, 2, 3, 4, 5, 7, 64, 1000])
    func survivesSplitReads(size: Int) throws {
        let bytes = Self.frame(Self.loading) + Self.frame(Self.progress) + Self.frame(Self.loading)
        var codec = FrameCodec()
        var messages: [EngineMessage] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            codec.append(bytes[start..<min(start + size, bytes.count)])
            while let message = try codec.next() {
                messages.append(message)
            }
        }
        let expected: [EngineMessage] = [
            .loading, .progress(.init(id: "g", stage: .denoise, step: 1, totalSteps: 2)), .loading,
        ]
        #expect(messages == expected)
    }

    @Test(
        "A length of zero or over the bound is refused before a body is read",
        arguments: [0, 1_048_577, 4_294_967_295]
    )
    func refusesLengths(length: Int) {
        var codec = FrameCodec()
        codec.append(Self.header(length))
        #expect(throws: FrameFault.length(length)) { try codec.next() }
    }

    @Test("A body of exactly the bound is read")
    func readsLargestBody() throws {
        let shell = #"{"type":"loading","padding":""}"#
        let padding = String(repeating: "x", count: FrameCodec.maximumBodyBytes - shell.utf8.count)
        var codec = FrameCodec()
        codec.append(Self.frame(#"{"type":"loading","padding":"\#(padding)"}"#))
        let messages = [try codec.next(), try codec.next()]
        #expect(messages == [.loading, nil])
    }

    @Test("A fault names the place and quotes nothing of the body")
    func faultsQuoteNothing() {
        for body in [#"{"type":"loaded","seconds":"a secret"}"#, "a secret", #"{"type":"a secret"}"#] {
            var codec = FrameCodec()
            codec.append(Self.frame(body))
            let fault = #expect(throws: FrameFault.self) { try codec.next() }
            guard case .body(let reason) = fault else {
                Issue.record("the fault is \(String(describing: fault))")
                continue
            }
            #expect(!reason.contains("secret"))
        }
    }

    @Test("Random bytes never do more than be refused")
    func survivesRandomBytes() {
        var random = SplitMix(seed: 20_261_124)
        for _ in 0..<2000 {
            var codec = FrameCodec()
            for _ in 0..<8 {
                let count = Int.random(in: 0...40, using: &random)
                var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                // Half of them with a length that lets the body be looked at.
                if Bool.random(using: &random) {
                    bytes = Self.header(count) + bytes
                }
                codec.append(bytes)
                while let message = try? codec.next() {
                    Issue.record("random bytes were read as \(message)")
                }
            }
        }
    }

    @Test("Damaged messages are read as a message or refused")
    func survivesDamage() {
        var random = SplitMix(seed: 7)
        for _ in 0..<5000 {
            var body = Array(Self.progress.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                body[Int.random(in: body.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var codec = FrameCodec()
            codec.append(Self.header(body.count) + body)
            _ = try? codec.next()
        }
    }

    @Test("A deeply nested body is refused")
    func refusesDepth() {
        var codec = FrameCodec()
        codec.append(Self.frame(#"{"type":"loading","deep":"# + String(repeating: "[", count: 500_000)))
        #expect(throws: FrameFault.self) { try codec.next() }
    }

    @Test("An order that fits no frame is none")
    func refusesUnsendable() {
        var command = EngineMessageTests.command
        command.prompt = String(repeating: "x", count: FrameCodec.maximumBodyBytes)
        #expect(FrameCodec.frame(.generate(command)) == nil)
        command.prompt = ""
        command.guidanceScale = .infinity
        #expect(FrameCodec.frame(.generate(command)) == nil)
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
