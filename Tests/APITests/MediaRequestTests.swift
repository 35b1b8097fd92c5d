import Foundation
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

/// Requests that bring pictures and videos.
struct MediaRequestTests {
    private func service(_ uploads: ScriptedUploads = ScriptedUploads()) -> ScriptedVideoService {
        ScriptedVideoService(uploads: uploads) { $0.catalog = .versatile }
    }

    private static let image = MediaID.fixture(1).hex
    private static let video = MediaID.fixture(2).hex
    private static let dataURL = "data:image/png;base64,\(Data("picture".utf8).base64EncodedString())"

    private var kept: ScriptedUploads {
        ScriptedUploads { $0.kept = [.fixture(2, .video), .fixture(1, .image)] }
    }

    @Test("An upload, a data URL and an address each become an input")
    func sources() async throws {
        let service = service(kept)
        try await withAPI(service) { port in
            let response = try await generate(
                port,
                #"{"prompt":"a","start_image":"\#(Self.image)","end_image":"\#(Self.dataURL)","#
                    + #""ref_image":"https://example.org/cat.png"}"#
            )
            #expect(response.status == 202)
            try expectWire(response.body, "task-with-media")
        }
        let submitted = try #require(service.submitted.first)
        #expect(submitted.model == "versatile")
        #expect(Set(submitted.video.inputs.keys) == [.startImage, .endImage, .refImage])
        #expect(submitted.video.inputs[.startImage] == .fixture(1))
        #expect(submitted.video.width == 672)
        #expect(Set(service.uploads.now.files) == [Array("picture".utf8), Array("https://example.org/cat.png".utf8)])
        #expect(service.uploads.now.fetched.map(\.text) == ["https://example.org/cat.png"])
    }

    @Test("Every other new field reaches the request")
    func fields() async throws {
        let service = service(kept)
        try await withAPI(service) { port in
            let response = try await generate(
                port,
                #"""
                {"prompt":"a","model":"versatile","video":"\#(Self.video)","strength":0.5,"step_cache":"fast",
                "loras":[{"name":"ink","scale":-1.5},{"name":"film"}],"degrade":"allow",
                "min_steps":10,"min_frames":9,"min_height":128,"deterministic":true,"priority":"interactive"}
                """#
            )
            #expect(response.status == 202)
        }
        let submitted = try #require(service.submitted.first)
        #expect(submitted.priority == .interactive)
        #expect(submitted.video.strength == 0.5)
        #expect(submitted.video.stepCache == .fast)
        #expect(submitted.video.degradation == DegradationFloor(minSteps: 10, minFrames: 9, minHeight: 128))
        #expect(submitted.isDeterministic)
        #expect(submitted.video.loras.map(\.name) == ["film", "ink"])
        #expect(submitted.video.loras.map(\.scale) == [1, -1.5])
    }

    @Test("A request without files awaits nothing but its submission")
    func plain() async throws {
        let service = service()
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a","start_image":null}"#)
            #expect(response.status == 202)
        }
        #expect(service.uploads.now.begun == 0)
        #expect(service.submitted.first?.video.inputs.isEmpty == true)
    }

    static let invalid: [(String, [String])] = [
        (#""start_image":7"#, ["start_image:wrong_type"]), (#""start_image":"cat.png""#, ["start_image:not_allowed"]),
        (#""end_image":"data:text/plain;base64,AAEC""#, ["end_image:not_allowed"]),
        (#""ref_image":"http://example.org/a""#, ["ref_image:not_allowed"]),
        (#""start_image":"\#(MediaID.fixture(9))""#, ["start_image:unusable_media"]),
        (#""start_image":"\#(video)""#, ["start_image:unusable_media"]),
        (#""control_video":"\#(image)""#, ["control_video:unusable_media"]),
        (#""video":"\#(video)","start_image":"\#(image)""#, ["start_image:not_allowed"]),
        (#""video":"\#(MediaID.fixture(9))","strength":2"#, ["video:unusable_media", "strength:out_of_range"]),
        (#""video":"\#(video)","strength":"much""#, ["strength:wrong_type"]),
        (#""strength":0.5"#, ["strength:not_allowed"]),
        (#""video":"cat.mp4","strength":0.5"#, ["video:not_allowed"]),
        (#""step_cache":"max""#, ["step_cache:not_allowed"]), (#""step_cache":1"#, ["step_cache:wrong_type"]),
        (#""loras":{}"#, ["loras:wrong_type"]), (#""loras":["film"]"#, ["loras:wrong_type"]),
        (#""loras":[{}]"#, ["loras:required"]), (#""loras":[{"name":null}]"#, ["loras:required"]),
        (#""loras":[{"name":1}]"#, ["loras:wrong_type"]),
        (#""loras":[{"name":"film","scale":"1"}]"#, ["loras:wrong_type"]),
        (#""loras":[{"name":"film","weight":1}]"#, ["loras:unknown_field"]),
        (#""loras":[{"name":"film","name":"ink"}]"#, ["loras:not_allowed"]),
        (#""loras":[{"name":"film","scale":9}]"#, ["loras:out_of_range"]),
        (#""loras":[{"name":"film"},{"name":"film"}]"#, ["loras:not_allowed"]),
        (#""loras":[{"name":"noir"}]"#, ["loras:not_allowed"]),
        (#""degrade":true"#, ["degrade:wrong_type"]), (#""degrade":"yes""#, ["degrade:not_allowed"]),
        (#""degrade":"allow","min_steps":51"#, ["min_steps:out_of_range"]),
        (#""degrade":"allow","min_height":"low""#, ["min_height:wrong_type"]),
        (#""min_frames":9"#, ["min_frames:not_allowed"]), (#""deterministic":1"#, ["deterministic:wrong_type"]),
        (#""allow_degradation":true"#, ["allow_degradation:unknown_field"]),
        (#""priority":1"#, ["priority:wrong_type"]),
        (#""priority":"high""#, ["priority:not_allowed"]), (#""model":"other""#, ["model:not_allowed"]),
        (#""model":3"#, ["model:wrong_type"]),
    ]

    @Test("What is wrong with a new field is named, and that alone", arguments: invalid)
    func violations(_ member: String, _ expected: [String]) async throws {
        let service = service(kept)
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a",\#(member)}"#)
            #expect(response.status == 422)
            #expect(response.violations == expected)
        }
        #expect(service.submitted.isEmpty)
        #expect(service.uploads.now.begun == 0)
    }

    @Test("Everything that is wrong with files is listed at once, with what else is wrong")
    func everything() async throws {
        let uploads = ScriptedUploads {
            $0.fetchFailure = .mediaFetch(MediaFetchError(code: "media_fetch_failed", message: "It answered 404."))
            $0.finishFailure = .mediaRefused(code: "media_unreadable", message: "It is no picture.")
        }
        try await withAPI(service(uploads)) { port in
            let response = try await generate(
                port,
                #"{"prompt":"a","width":770,"start_image":"\#(Self.dataURL)","end_image":"https://example.org/b","#
                    + #""control_video":"\#(MediaID.fixture(9))"}"#,
                headers: [("X-Request-ID", "media")]
            )
            #expect(response.status == 422)
            try expectWire(response.body, "problem-media")
        }
        #expect(uploads.now.kept.isEmpty)
    }

    @Test(
        "Nothing is fetched or stored for a request that is wrong anyway",
        arguments: [
            #""width":"wide""#, #""nonsense":1"#, #""model":"other""#, #""loras":7"#, #""end_image":"cat""#,
            #""prompt":"b""#,
        ]
    )
    func nothingForNothing(_ member: String) async throws {
        let service = service()
        try await withAPI(service) { port in
            let response = try await generate(
                port,
                #"{"prompt":"a","start_image":"\#(Self.dataURL)","ref_image":"https://example.org/b",\#(member)}"#
            )
            #expect(response.status == 422)
            #expect(response.violations.count == 1)
        }
        #expect(service.uploads.now.begun == 0)
        #expect(service.uploads.now.fetched.isEmpty)
    }

    @Test("A model that does not take what is brought says so before anything is fetched")
    func wrongModel() async throws {
        let service = ScriptedVideoService { $0.catalog = ModelCatalog(models: [.fixture, .versatile]) }
        try await withAPI(service) { port in
            let body = #"{"prompt":"a","ref_image":"https://example.org/b"}"#
            #expect(try await generate(port, body).status == 202)
            #expect(service.submitted.first?.model == "versatile")
            let named = try await generate(port, String(body.dropLast()) + #","model":"fixture"}"#)
            #expect(named.violations == ["ref_image:not_allowed"])
        }
        #expect(service.uploads.now.fetched.count == 1)
    }

    static let troubles: [(AdmissionError, Int, String)] = [
        (.store(.uploadQuotaExceeded(quota: 5)), 429, "upload_quota_exceeded"),
        (.mediaUnavailable(code: "inspection_busy"), 503, "inspection_busy"),
        (.results(.full), 503, "disk_full"),
        (.store(.overloaded), 503, "store_overloaded"),
    ]

    @Test("What is not the file's fault is a problem of its own", arguments: 0..<troubles.count)
    func trouble(_ index: Int) async throws {
        let (error, status, code) = Self.troubles[index]
        let service = service(ScriptedUploads { $0.finishFailure = error })
        try await withAPI(service) { port in
            let response = try await generate(port, #"{"prompt":"a","start_image":"\#(Self.dataURL)"}"#)
            #expect(response.status == status)
            #expect(response.code == code)
        }
        #expect(service.submitted.isEmpty)
    }

    @Test("A file that is written in vain is dropped")
    func dropped() async throws {
        let uploads = ScriptedUploads { $0.writeFailure = .uploadTooLarge(limit: 3) }
        try await withAPI(service(uploads)) { port in
            let response = try await generate(port, #"{"prompt":"a","start_image":"\#(Self.dataURL)"}"#)
            #expect(response.violations == ["start_image:unusable_media"])
        }
        #expect(uploads.now.abandoned == 1)
    }
}
