import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct ModelTests {
    @Test("Models are listed with everything that a request must know, the default first")
    func list() async throws {
        let service = ScriptedVideoService {
            $0.catalog = ModelCatalog(models: [.fixture, .versatile], loras: ModelCatalog.versatile.loras)
        }
        try await withAPI(service) { port in
            let response = try await request(port, "GET", "/api/v1/models")
            #expect(response.status == 200)
            try expectWire(response.body, "models")
        }
    }

    @Test("While no engine has described its models, the list says why")
    func unknown() async throws {
        try await withAPI(ScriptedVideoService { $0.catalog = nil }) { port in
            let response = try await request(port, "GET", "/api/v1/models")
            #expect(response.status == 503)
            #expect(response.code == "engine_not_startable")
        }
    }
}

struct PreviewTests {
    private static let path = "/api/v1/tasks/\(TaskID.fixture())/preview"

    @Test("A preview is sent with its version, and not again while it is the same")
    func preview() async throws {
        let service = ScriptedVideoService {
            $0.previews = [.fixture(): Preview(bytes: Array("RIFF".utf8), version: 5)]
        }
        try await withAPI(service) { port in
            let first = try await request(port, "GET", Self.path)
            #expect(first.status == 200)
            #expect(first.text == "RIFF")
            #expect(first["Content-Type"] == "image/webp")
            #expect(first["ETag"] == "\"5\"")
            #expect(first["Cache-Control"] == "no-cache")
            #expect(first["X-Content-Type-Options"] == "nosniff")
            let headers = [("If-None-Match", "\"4\", \"5\"")]
            let same = try await request(port, "GET", Self.path, headers: headers)
            #expect(same.status == 304)
            #expect(same["ETag"] == "\"5\"")
            #expect(try await request(port, "HEAD", Self.path)["Content-Length"] == "4")
            service.change { $0.previews[.fixture()]?.version = 6 }
            #expect(try await request(port, "GET", Self.path, headers: headers).status == 200)
        }
    }

    @Test("Where there is nothing to see, that is said", arguments: ["x", TaskID.fixture().description, "%2e%2e"])
    func nothing(_ id: String) async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/api/v1/tasks/\(id)/preview")
            #expect(response.status == 404)
            #expect(response.code == "preview_not_available")
        }
    }
}
