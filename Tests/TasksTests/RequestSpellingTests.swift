import Foundation
import Tasks
import TestSupport
import Testing

/// Step cache, LoRAs, degradation, and how everything that came after the first version is spelt.
@Suite("Options of video requests and their spelling")
struct RequestSpellingTests {
    private static let loras = ["film", "ink", "noir"].enumerated().map { index, name in
        LoRADescription(name: name, fingerprint: String(repeating: "\(index)", count: 64), bytes: 4096)
    }

    private static func use(_ name: String, _ scale: Double = 1) -> VideoRequest.Draft.LoRA {
        VideoRequest.Draft.LoRA(name: name, scale: scale)
    }

    // MARK: Options

    @Test("Only levels of the step cache that the model has are accepted; off is the default")
    func stepCache() throws {
        #expect(try parse { _ in }.stepCache == .off)
        for level in StepCacheLevel.allCases {
            #expect(try parse { $0.stepCache = level.rawValue }.stepCache == level)
        }
        for name in ["", "max", "OFF"] { #expect(faults { $0.stepCache = name } == ["step_cache:not_allowed"]) }
        var model = ModelDescription.versatile
        model.stepCache = [.fast, .off]
        let found = violations(for: model) { $0.stepCache = "balanced" }
        #expect(found.map(\.message) == ["step_cache must be one of off, fast."])
    }

    @Test("LoRAs are known by their fingerprints, in the order of their names, to the ends of the scale")
    func loras() throws {
        let request = try parse(loras: Self.loras) {
            $0.loras = [Self.use("noir", -4), Self.use("film", 4), Self.use("ink", 0)]
        }
        #expect(
            request.loras == [
                LoRAUse(name: "film", fingerprint: Self.loras[0].fingerprint, scale: 4),
                LoRAUse(name: "ink", fingerprint: Self.loras[1].fingerprint, scale: 0),
                LoRAUse(name: "noir", fingerprint: Self.loras[2].fingerprint, scale: -4),
            ]
        )
    }

    @Test(
        "A LoRA that is unknown, named twice, or too strong is refused",
        arguments: [
            ([use("flim")], [.notAllowed]), ([use("")], [.notAllowed]), ([use("film"), use("film")], [.notAllowed]),
            ([use("film", 4.1)], [.outOfRange]), ([use("film", .nan)], [.outOfRange]),
            ([use("film", -.infinity), use("sepia")], [.outOfRange, .notAllowed]),
        ] as [([VideoRequest.Draft.LoRA], [Violation.Code])]
    )
    func badLoRAs(wanted: [VideoRequest.Draft.LoRA], codes: [Violation.Code]) {
        let found = violations(loras: Self.loras) { $0.loras = wanted }
        #expect(found.map(\.code) == codes)
        #expect(found.allSatisfy { $0.field == "loras" })
    }

    @Test("Eight LoRAs can be used together, not nine")
    func manyLoRAs() {
        let known = (0..<9).map { LoRADescription(name: "\($0)", fingerprint: "f", bytes: 1) }
        #expect(faults(loras: known) { $0.loras = known.prefix(8).map { Self.use($0.name) } }.isEmpty)
        #expect(faults(loras: known) { $0.loras = known.map { Self.use($0.name) } } == ["loras:too_long"])
    }

    @Test("A long name that is unknown is shown in part")
    func longName() {
        let found = violations { $0.loras = [Self.use(String(repeating: "x", count: 10_000))] }
        #expect(found.allSatisfy { $0.message.count < 100 })
    }

    // MARK: Spelling

    /// Stored requests and result keys of earlier versions are found by these bytes.
    @Test("A request that says nothing new has the bytes of the first version")
    func oldSpelling() throws {
        let old = #"""
            {"fps":8,"guidance_scale":5,"height":384,"negative_prompt":"","num_frames":49,"num_inference_steps":50,"prompt":"a cat","width":672}
            """#
        for change: (inout VideoRequest.Draft) -> Void in [
            { _ in }, { $0.degrade = "never" }, { $0.stepCache = "off" }, { $0.loras = [] },
            { $0.inputs = [:] },
        ] {
            #expect(try text(parse(change)) == old)
        }
        let request = try VideoRequest(canonicalBytes: Data(old.utf8))
        #expect(try request == parse { _ in })
        #expect(request.inputs.isEmpty && request.loras.isEmpty && request.strength == nil)
        #expect(request.stepCache == .off && request.degradation == nil)
    }

    @Test("The spelling of what came later is fixed as well")
    func newSpelling() throws {
        let request = try parse(loras: Self.loras) {
            $0.inputs = [.video: .video("v"), .refImage: .fixture("r")]
            $0.strength = 0.25
            $0.stepCache = "balanced"
            $0.loras = [Self.use("ink", -0.5), Self.use("film")]
            $0.degrade = "allow"
            $0.seed = 1
        }
        let (film, ink) = (Self.loras[0].fingerprint, Self.loras[1].fingerprint)
        #expect(
            text(request) == #"""
                {"allow_degradation":true,"fps":8,"guidance_scale":5,"height":384,"inputs":{"ref_image":"\#(MediaID.fixture("r"))","video":"\#(MediaID.fixture("v"))"},"loras":[{"fingerprint":"\#(film)","name":"film","scale":1},{"fingerprint":"\#(ink)","name":"ink","scale":-0.5}],"negative_prompt":"","num_frames":45,"num_inference_steps":50,"prompt":"a cat","seed":1,"step_cache":"balanced","strength":0.25,"width":672}
                """#
        )
        #expect(try VideoRequest(canonicalBytes: request.canonicalBytes) == request)
    }

    @Test("Any change of what came later changes the bytes")
    func differentSpellings() throws {
        let (one, two) = (Media.fixture("1"), Media.fixture("2"))
        let changes: [(inout VideoRequest.Draft) -> Void] = [
            { _ in }, { $0.inputs = [.startImage: one] }, { $0.inputs = [.startImage: two] },
            { $0.inputs = [.endImage: one] }, { $0.inputs = [.refImage: one] },
            { $0.inputs = [.startImage: one, .endImage: two] }, { $0.inputs = [.startImage: two, .endImage: one] },
            { $0.inputs = [.video: .video("1")] }, { $0.inputs = [.controlVideo: .video("1")] },
            {
                $0.inputs = [.video: .video("1")]
                $0.strength = 0.5
            },
            { $0.stepCache = "balanced" }, { $0.stepCache = "fast" }, { $0.degrade = "allow" },
            { $0.floors(steps: 10) }, { $0.floors(steps: 11) }, { $0.floors(frames: 10) },
            { $0.floors(height: 10 * 16) },
            { $0.floors(steps: 17, frames: 17, height: 160) },
            { $0.loras = [Self.use("film")] }, { $0.loras = [Self.use("film", 0.5)] }, { $0.loras = [Self.use("ink")] },
            { $0.loras = [Self.use("film"), Self.use("ink")] },
        ]
        let spellings = try changes.map { try parse(loras: Self.loras, $0).canonicalBytes }
        #expect(Set(spellings).count == changes.count)
        for bytes in spellings {
            #expect(try VideoRequest(canonicalBytes: bytes).canonicalBytes == bytes)
        }
        // Another file under the same name is another LoRA.
        var replaced = Self.loras
        replaced[0].fingerprint = String(repeating: "9", count: 64)
        #expect(
            try parse(loras: replaced) { $0.loras = [Self.use("film")] }.canonicalBytes
                != parse(loras: Self.loras) { $0.loras = [Self.use("film")] }.canonicalBytes
        )
    }

    @Test("LoRAs in any order give the same bytes")
    func loraOrder() throws {
        let wanted = [Self.use("film", 0.5), Self.use("ink"), Self.use("noir", -1)]
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        let requests = try orders.map { order in try parse(loras: Self.loras) { $0.loras = order.map { wanted[$0] } } }
        #expect(Set(requests).count == 1)
        #expect(Set(requests.map(\.canonicalBytes)).count == 1)
    }

    @Test("Equal requests have equal bytes, whichever of its zeros a scale is")
    func zeros() throws {
        let plus = try parse(loras: Self.loras) { $0.loras = [Self.use("film", 0)] }
        let minus = try parse(loras: Self.loras) { $0.loras = [Self.use("film", -0.0)] }
        #expect(plus == minus)
        #expect(plus.canonicalBytes == minus.canonicalBytes)
    }

    @Test("Files in any order, and the default strength said or not, give the same bytes")
    func sameMeaning() throws {
        let roles = InputRole.allCases.filter { $0.kind == .image }
        let forwards = Dictionary(uniqueKeysWithValues: roles.map { ($0, Media.fixture("a")) })
        let backwards = Dictionary(uniqueKeysWithValues: roles.reversed().map { ($0, Media.fixture("a")) })
        #expect(
            try parse { $0.inputs = forwards }.canonicalBytes == parse { $0.inputs = backwards }.canonicalBytes)
        #expect(
            try parse { $0.inputs = [.video: .video()] }.canonicalBytes
                == parse {
                    $0.inputs = [.video: .video()]
                    $0.strength = 0.7
                }.canonicalBytes
        )
    }

    @Test(
        "Bytes that no version has written are not read",
        arguments: [
            #""inputs":{"cover":"\#(MediaID.fixture("a"))"}"#, #""inputs":{"video":"../x"}"#, #""step_cache":"max""#,
            #""loras":[{"name":"film"}]"#, #""strength":"much""#, #""min_steps":5"#,
            #""allow_degradation":false,"min_frames":5"#,
            #""allow_degradation":true,"min_height":"low""#,
        ]
    )
    func damaged(member: String) {
        let text = #"""
            {"fps":8,"guidance_scale":5,"height":384,"negative_prompt":"","num_frames":49,"num_inference_steps":50,"prompt":"a","width":672,\#(member)}
            """#
        #expect(throws: DecodingError.self) { try VideoRequest(canonicalBytes: Data(text.utf8)) }
    }

    private func text(_ request: VideoRequest) -> String {
        String(decoding: request.canonicalBytes, as: UTF8.self)
    }
}
