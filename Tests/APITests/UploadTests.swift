import Foundation
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct UploadTests {
    private static let path = "/api/v1/uploads"
    private static let png = "\u{89}PNG, or so"

    private func upload(
        _ port: Int,
        _ body: String = png,
        type: String? = "image/png",
        headers: [(String, String)] = []
    ) async throws -> HTTPResponseFixture {
        let type = type.map { [("Content-Type", $0)] } ?? []
        return try await request(port, "POST", Self.path, headers: type + headers, body: body)
    }

    private static func form(_ parts: [(name: String, type: String?, content: String)]) -> String {
        parts.map { part in
            let type = part.type.map { "Content-Type: \($0)\r\n" } ?? ""
            return "--x\r\nContent-Disposition: form-data; name=\"\(part.name)\"; filename=\"a\"\r\n\(type)\r\n"
                + "\(part.content)\r\n"
        }.joined() + "--x--\r\n"
    }

    @Test("A file that is the body is kept, and the answer says what it is and where")
    func raw() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service, APISettings(publicURL: "https://video.example.org")) { port in
            var id = ""
            for type in ["image/png", "video/mp4", "application/octet-stream", "IMAGE/jpeg; q=1"] {
                let response = try await upload(port, type: type)
                #expect(response.status == 201)
                id = try #require(response.json["id"] as? String)
                #expect(response["Location"] == "https://video.example.org/api/v1/uploads/\(id)")
            }
            let response = try await upload(port, "Video")
            #expect(response["Content-Type"] == "application/json")
            #expect(response["Cache-Control"] == "no-store")
            try expectWire(response.body, "upload-video")
            try expectWire(try await request(port, "GET", "\(Self.path)/\(id)").body, "upload-image")
        }
        #expect(service.uploads.now.files.dropLast().allSatisfy { $0 == Array(Self.png.utf8) })
        #expect(service.uploads.now.abandoned == 0)
    }

    @Test("An idempotency key goes with the file, is looked at first, and is good for one file")
    func idempotencyKey() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let bad = try await upload(port, headers: [("Idempotency-Key", "a b")])
            #expect(bad.status == 422)
            #expect(bad.violations == ["Idempotency-Key:not_text"])
            #expect(service.uploads.now.files.isEmpty)
            #expect(try await upload(port, headers: [("Idempotency-Key", "a-1")]).status == 201)
            #expect(try await upload(port).status == 201)
            #expect(service.uploads.now.idempotencyKeys == ["a-1", nil])
            service.uploads.change { $0.finishFailure = .store(.idempotencyConflict(nil)) }
            let conflict = try await upload(port, "another", headers: [("Idempotency-Key", "a-1")])
            #expect(conflict.status == 409)
            #expect(conflict.code == "idempotency_conflict")
        }
    }

    @Test("A file in a form is kept")
    func multipart() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            for type in [nil, "image/png", "application/octet-stream"] {
                let form = Self.form([("file", type, Self.png)])
                let response = try await upload(port, form, type: "multipart/form-data; boundary=x")
                #expect(response.status == 201)
                #expect(response.json["bytes"] as? Int == Self.png.utf8.count)
            }
        }
        #expect(service.uploads.now.files == Array(repeating: Array(Self.png.utf8), count: 3))
    }

    static let badForms: [(form: String, status: Int, code: String, violations: [String])] = [
        ("", 400, "malformed_multipart", []), ("--x", 400, "malformed_multipart", []),
        ("--y\r\n", 400, "malformed_multipart", []), ("--x--", 422, "invalid_request", ["file:required"]),
        (form([("image", nil, "a")]), 422, "invalid_request", ["image:unknown_field"]),
        (form([("file", nil, "a"), ("file", nil, "b")]), 422, "invalid_request", ["file:not_allowed"]),
        (form([("file", nil, "a"), ("name", nil, "b")]), 422, "invalid_request", ["name:unknown_field"]),
        (form([("file", "text/plain", "a")]), 415, "unsupported_media_type", []),
        (form([("file", nil, "")]), 422, "media_unreadable", []),
        (String(form([("file", nil, "abc")]).dropLast(6)), 400, "malformed_multipart", []),
    ]

    @Test("What is wrong with a form is told, and nothing is left of it", arguments: 0..<badForms.count)
    func badForm(_ index: Int) async throws {
        let (form, status, code, violations) = Self.badForms[index]
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let response = try await upload(port, form, type: "multipart/form-data; boundary=x")
            #expect(response.status == status)
            #expect(response.code == code)
            #expect(response.violations == violations)
        }
        #expect(service.uploads.now.abandoned == 1)
        #expect(service.uploads.now.kept.isEmpty)
    }

    static let badTypes: [String?] = [
        nil, "", "text/plain", "application/json", "image", "image/", "multipart/form-data",
        "multipart/form-data; boundary=", "multipart/mixed; boundary=x", "image/png, image/png",
        "multipart/form-data; boundary=\"a", "multipart/form-data; boundary=\"a\\\"\"",
    ]

    @Test("Another content type is refused before anything is read", arguments: badTypes)
    func badType(_ type: String?) async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let response = try await upload(port, type: type)
            #expect(response.status == 415)
            #expect(response.code == "unsupported_media_type")
            #expect(try await upload(port, headers: [("Content-Encoding", "gzip")]).status == 415)
        }
        #expect(service.uploads.now.begun == 0)
    }

    @Test("A file of just the limit is taken, and one of a byte more is not, in every framing")
    func limit() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service, APISettings(maxUploadBytes: 100_000)) { port in
            let largest = String(repeating: "a", count: 100_000)
            let form = "multipart/form-data; boundary=x"
            #expect(try await upload(port, largest).status == 201)
            #expect(try await upload(port, Self.form([("file", nil, largest)]), type: form).status == 201)
            for (body, type) in [(largest + "a", "image/png"), (Self.form([("file", nil, largest + "a")]), form)] {
                let response = try await upload(port, body, type: type)
                #expect(response.status == 413)
                #expect(response.code == "upload_too_large")
            }
            let endless = Self.form([("file", nil, "a")]) + String(repeating: " ", count: 200_000)
            #expect(try await upload(port, endless, type: form).status == 413)
        }
        #expect(service.uploads.now.kept.count == 2)
        #expect(service.uploads.now.abandoned == service.uploads.now.begun - 2)
    }

    @Test("An upload that is announced too large is refused before it is sent")
    func announced() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.head(length: 68 << 20, "Expect: 100-continue\r\n"))
            let response = try await client.response()
            #expect(response.status == 413)
            #expect(response["Connection"] == "close")
            #expect(try await client.readToEnd().isEmpty)
        }
        #expect(service.uploads.now.begun == 0)
    }

    @Test("A client that waits for 100 Continue with a large file gets it, and the connection is good for more")
    func expectContinue() async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            let file = [UInt8](repeating: 7, count: 3 << 20)
            for _ in 0..<2 {
                try await client.send(Self.head(length: file.count, "Expect: 100-continue\r\n"))
                #expect(try await client.response().status == 100)
                try await client.send(file)
                #expect(try await client.response().json["bytes"] as? Int == file.count)
            }
        }
    }

    @Test("An empty file is refused without being looked into")
    func empty() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let response = try await upload(port, "")
            #expect(response.status == 422)
            #expect(response.code == "media_unreadable")
        }
        #expect(service.uploads.now.abandoned == 1)
    }

    static let refusals: [(AdmissionError, Int, String)] = [
        (.mediaRefused(code: "media_unreadable", message: "No picture."), 422, "media_unreadable"),
        (.mediaRefused(code: "media_too_large", message: "Too many pixels."), 422, "media_too_large"),
        (.mediaUnavailable(code: "inspection_busy"), 503, "inspection_busy"),
        (.mediaUnavailable(code: "dependencies_missing"), 500, "dependencies_missing"),
        (.store(.uploadQuotaExceeded(quota: 5)), 429, "upload_quota_exceeded"),
        (.uploadTooLarge(limit: 5), 413, "upload_too_large"),
        (.results(.full), 503, "disk_full"),
    ]

    @Test("Why a file is not kept is told", arguments: 0..<refusals.count)
    func refusal(_ index: Int) async throws {
        let (error, status, code) = Self.refusals[index]
        let late = ScriptedVideoService(uploads: ScriptedUploads { $0.finishFailure = error })
        let early = ScriptedVideoService(uploads: ScriptedUploads { $0.writeFailure = error })
        for service in [late, early] {
            try await withAPI(service) { port in
                let response = try await upload(port)
                #expect(response.status == status)
                #expect(response.code == code)
                #expect((response["Retry-After"] == nil) == (status != 503))
            }
        }
        // What finish has refused is gone already.
        #expect(late.uploads.now.abandoned == 0)
        #expect(early.uploads.now.abandoned == 1)
    }

    @Test("Uploads are listed newest first, page by page, and deleted once")
    func list() async throws {
        let uploads = ScriptedUploads { $0.kept = (1...5).reversed().map { .fixture($0) } }
        try await withAPI(ScriptedVideoService(uploads: uploads)) { port in
            var path = "\(Self.path)?limit=2"
            var seen: [String] = []
            for _ in 0..<3 {
                let json = try await request(port, "GET", path).json
                seen += (json["uploads"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
                guard let next = json["next_cursor"] as? String else { break }
                path = "\(Self.path)?limit=2&cursor=\(next)"
            }
            #expect(seen == (1...5).reversed().map { MediaID.fixture($0).hex })
            let client = try HTTPClientFixture(port: port)
            let one = "\(Self.path)/\(MediaID.fixture(3))"
            try await client.send("DELETE", one)
            let deleted = try await client.response()
            #expect(deleted.status == 204)
            #expect(deleted["Content-Length"] == nil)
            for method in ["GET", "DELETE"] {
                try await client.send(method, one)
                let gone = try await client.response()
                #expect(gone.status == 404)
                #expect(gone.code == "upload_not_found")
            }
        }
    }

    @Test("An upload that is not there, or another tenant's, is 404", arguments: ["x", "..", MediaID.fixture(1).hex])
    func unknown(_ id: String) async throws {
        var foreign = Upload.fixture(1)
        foreign.tenant = TenantID(rawValue: "other")
        try await withAPI(ScriptedVideoService(uploads: ScriptedUploads { [foreign] in $0.kept = [foreign] })) { port in
            for method in ["GET", "DELETE"] {
                let response = try await request(port, method, "\(Self.path)/\(id)")
                #expect(response.code == "upload_not_found")
            }
        }
    }

    @Test(
        "A wrong query is refused",
        arguments: [
            ("limit=0", ["limit:out_of_range"]), ("cursor=x", ["cursor:not_allowed"]),
            ("status=PENDING&limit=x", ["status:unknown_field", "limit:wrong_type"]),
        ]
    )
    func query(_ query: String, _ expected: [String]) async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "\(Self.path)?\(query)")
            #expect(response.violations == expected)
        }
    }

    static func head(length: Int, _ more: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n\(more)Content-Length: \(length)\r\n\r\n"
    }
}
