import Foundation
import NIOCore
import Scheduling
import TestSupport
import Testing

@testable import API
@testable import Results

struct VideoTests {
    private static let name = String(repeating: "0f", count: 32)
    private static let path = "/api/v1/videos/\(name).mp4"
    private static let tag = "\"\(name)\""

    /// Serves one video of a length whose bytes count up, from memory and from a file.
    private func withVideo(
        _ count: Int = 100,
        _ settings: APISettings = APISettings(),
        _ body: (Int, [UInt8]) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let path = "\(directory)/video.mp4"
            try Data(content).write(to: URL(filePath: path))
            let name = try #require(VideoName(Self.name))
            let file = try #require(try VideoFile.open(path))
            for kept in [VideoContent.file(file), .memory(ByteBuffer(bytes: content))] {
                try await withAPI(ScriptedVideoService { $0.videos = [name: kept] }, settings) { port in
                    try await body(port, content)
                }
            }
        }
    }

    @Test("A whole video comes with everything that a cache and a player need")
    func whole() async throws {
        try await withVideo { port, content in
            let response = try await request(port, "GET", Self.path)
            #expect(response.status == 200)
            #expect(response.body == content)
            #expect(response["Content-Type"] == "video/mp4")
            #expect(response["ETag"] == Self.tag)
            #expect(response["Accept-Ranges"] == "bytes")
            #expect(response["Cache-Control"] == "public, max-age=31536000, immutable")
            #expect(response["Content-Disposition"] == "inline; filename=\"\(Self.name).mp4\"")
            #expect(response["Content-Range"] == nil)
            #expect(response["X-Content-Type-Options"] == "nosniff")
        }
    }

    static let ranges: [(headers: [(String, String)], status: Int, range: Range<Int>?)] = [
        ([("Range", "bytes=0-9")], 206, 0..<10),
        ([("Range", "bytes=-10")], 206, 90..<100),
        ([("Range", "bytes=90-")], 206, 90..<100),
        ([("Range", "bytes=0-")], 206, 0..<100),
        ([("Range", "bytes=50-5000")], 206, 50..<100),
        ([("Range", "bytes=100-")], 416, nil),
        ([("Range", "bytes=-0")], 416, nil),
        ([("Range", "bytes=5-4")], 200, 0..<100),
        ([("Range", "bytes=0-1,4-5")], 200, 0..<100),
        ([("Range", "lines=0-1")], 200, 0..<100),
        ([("Range", "bytes=0-9"), ("If-Range", tag)], 206, 0..<10),
        ([("Range", "bytes=0-9"), ("If-Range", "W/\(tag)")], 200, 0..<100),
        ([("Range", "bytes=0-9"), ("If-Range", "\"other\"")], 200, 0..<100),
        ([("Range", "bytes=0-9"), ("If-Range", "Mon, 23 Nov 2026 00:00:00 GMT")], 200, 0..<100),
        ([("Range", "bytes=0-9"), ("If-Range", name)], 200, 0..<100),
        ([("Range", "bytes=500-"), ("If-Range", "\"other\"")], 200, 0..<100),
        ([("If-Range", tag)], 200, 0..<100),
        ([("If-None-Match", tag)], 304, nil),
        ([("If-None-Match", "W/\(tag)")], 304, nil),
        ([("If-None-Match", "*")], 304, nil),
        ([("If-None-Match", "\"a\", \(tag) , \"b\"")], 304, nil),
        ([("If-None-Match", "\"a\""), ("If-None-Match", tag)], 304, nil),
        ([("If-None-Match", tag), ("Range", "bytes=0-9")], 304, nil),
        ([("If-None-Match", "\"other\"")], 200, 0..<100),
        ([("If-None-Match", name)], 200, 0..<100),
        ([("If-None-Match", "\"other\""), ("Range", "bytes=0-9")], 206, 0..<10),
        ([("If-Match", tag)], 200, 0..<100),
        ([("If-Match", "*")], 200, 0..<100),
        ([("If-Match", "W/\(tag)")], 412, nil),
        ([("If-Match", "\"other\"")], 412, nil),
        ([("If-Match", "\"other\""), ("If-None-Match", tag)], 412, nil),
    ]

    @Test("Ranges and conditions are answered by RFC 9110", arguments: 0..<ranges.count)
    func range(_ index: Int) async throws {
        let (headers, status, range) = Self.ranges[index]
        try await withVideo { port, content in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", Self.path, headers: headers)
            let response = try await client.response()
            #expect(response.status == status)
            if let range {
                #expect(response.body == Array(content[range]))
                #expect(response["ETag"] == Self.tag)
            }
            switch status {
            case 206:
                #expect(response["Content-Range"] == range.map { "bytes \($0.lowerBound)-\($0.upperBound - 1)/100" })
            case 416:
                #expect(response["Content-Range"] == "bytes */100")
                #expect(response.code == "range_not_satisfiable")
            case 304:
                #expect(response["ETag"] == Self.tag)
                #expect(response["Cache-Control"] == "public, max-age=31536000, immutable")
            default: break
            }
            // The connection is still in step.
            try await client.send("GET", "/healthz")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("HEAD tells the same and sends nothing, whatever the range")
    func head() async throws {
        try await withVideo { port, _ in
            let client = try HTTPClientFixture(port: port)
            try await client.send("HEAD", Self.path, headers: [("Range", "bytes=0-9")])
            let response = try await client.response(hasBody: false)
            #expect(response.status == 200)
            #expect(response["Content-Length"] == "100")
            #expect(response["ETag"] == Self.tag)
            try await client.send("GET", "/healthz")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("A large video arrives whole and in its parts")
    func large() async throws {
        try await withVideo(3_000_001) { port, content in
            #expect(try await request(port, "GET", Self.path).body == content)
            let part = try await request(port, "GET", Self.path, headers: [("Range", "bytes=65535-2000000")])
            #expect(part.body == Array(content[65535...2_000_000]))
        }
    }

    @Test(
        "What is not the name of a video is 404",
        arguments: [
            "/api/v1/videos/x.mp4", "/api/v1/videos/.mp4", "/api/v1/videos/../../etc/passwd.mp4",
            "/api/v1/videos/%2e%2e%2fetc%2fpasswd.mp4", "/api/v1/videos/\(name.uppercased()).mp4",
            "/api/v1/videos/\(name)", "/api/v1/videos/\(name).mp4/", "/api/v1/videos/\(name).mp4.mp4",
            "/api/v1/videos/",
            "/api/v1/videos/\(String(repeating: "1", count: 64)).mp4",
        ]
    )
    func unknown(_ path: String) async throws {
        try await withVideo { port, _ in
            let response = try await request(port, "GET", path)
            #expect(response.status == 404)
        }
    }

    @Test("A video that lies elsewhere is a redirect, which nobody keeps; HEAD needs none")
    func elsewhere() async throws {
        let name = try #require(VideoName(Self.name))
        let there = "https://storage.example.org/video.mp4?X-Amz-Signature=0a"
        let service = ScriptedVideoService { $0.videos = [name: .elsewhere(url: there, bytes: 100)] }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", Self.path, headers: [("Range", "bytes=0-9")])
            #expect(response.status == 302)
            #expect(response["Location"] == there)
            #expect(response["Cache-Control"] == "private, no-store")
            let head = try await request(port, "HEAD", Self.path)
            #expect(head.status == 200)
            #expect(head["Content-Length"] == "100")
            #expect(try await request(port, "GET", Self.path, headers: [("If-None-Match", Self.tag)]).status == 304)
        }
    }

    @Test(
        "A video that is not there any more says why, and nothing of where it was",
        arguments: [
            (AdmissionError.videoExpired, 410, "video_expired"),
            (.results(.unavailable("/nowhere/video.mp4")), 503, "results_unavailable"),
            (.results(.full), 503, "disk_full"),
            (.variantUnavailable(code: "derivation_busy"), 503, "derivation_busy"),
            (.variantUnavailable(code: "video_unreadable"), 422, "video_unreadable"),
            (.variantUnavailable(code: "dependencies_missing"), 500, "dependencies_missing"),
        ] as [(AdmissionError, Int, String)]
    )
    func gone(_ failure: AdmissionError, _ status: Int, _ code: String) async throws {
        try await withAPI(ScriptedVideoService { $0.failure = failure }) { port in
            for path in [Self.path, "/api/v1/videos/\(Self.name)/poster.jpg"] {
                let response = try await request(port, "GET", path)
                #expect(response.status == status)
                #expect(response.code == code)
                #expect(!response.text.contains("nowhere"))
            }
        }
    }

    @Test("What is made from a video has its own type, name and tag")
    func variants() async throws {
        let name = try #require(VideoName(Self.name))
        let picture = VideoContent.memory(ByteBuffer(string: "picture"))
        let service = ScriptedVideoService { script in
            script.videos = [name: picture]
            for variant in VideoVariant.allCases { script.variants[variant] = picture }
        }
        try await withAPI(service) { port in
            for variant in VideoVariant.allCases {
                let path = "/api/v1/videos/\(Self.name)/\(variant.rawValue)"
                let response = try await request(port, "GET", path)
                #expect(response.status == 200)
                #expect(response["Content-Type"] == variant.mediaType)
                #expect(response["ETag"] == "\"\(Self.name)-\(variant.rawValue)\"")
                let disposition = try await request(port, "GET", path + "?download=1")["Content-Disposition"]
                #expect(disposition == "attachment; filename=\"\(Self.name).\(variant.rawValue)\"")
            }
            let none = "/api/v1/videos/\(String(repeating: "1", count: 64))/poster.jpg"
            #expect(try await request(port, "GET", none).code == "video_not_found")
            #expect(try await request(port, "GET", "/api/v1/videos/x/poster.jpg").code == "video_not_found")
            let other = "/api/v1/videos/\(Self.name)/poster.png"
            #expect(try await request(port, "GET", other).code == "variant_not_found")
            let deeper = "/api/v1/videos/\(Self.name)/poster.jpg/x"
            #expect(try await request(port, "GET", deeper).code == "route_not_found")
        }
    }

    @Test("A client that leaves in the middle harms nobody")
    func disconnect() async throws {
        try await withVideo(8_000_000) { port, content in
            for _ in 0..<10 {
                let client = try HTTPClientFixture(port: port, receiveBuffer: 4096)
                try await client.send("GET", Self.path)
                _ = try await client.read(1000)
                client.disconnect()
            }
            #expect(try await request(port, "GET", Self.path).body.count == content.count)
        }
    }

    @Test("A client that does not read is cut off")
    func stalled() async throws {
        try await withVideo(20_000_000, APISettings(idleTimeout: .seconds(1))) { port, content in
            // A client that reads nothing sees nothing of it either. On a busy machine the server comes to it late, and one
            // that reads again in time gets everything: then the next one waits for longer.
            for wait in [2, 4, 8, 16] {
                let client = try HTTPClientFixture(port: port, receiveBuffer: 4096)
                try await client.send("GET", Self.path)
                try await Task.sleep(for: .seconds(wait))
                // What the system had taken over comes; the rest does not.
                if try await client.readToEnd().count < content.count { return }
            }
            Issue.record("A client that did not read got everything")
        }
    }
}
