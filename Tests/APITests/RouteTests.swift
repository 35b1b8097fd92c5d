import HTTPTypes
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct RouteTests {
    @Test(
        "A method that a path does not take is 405 with Allow",
        arguments: [
            ("/api/v1/generate", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"], "POST"),
            ("/api/v1/tasks", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"], "GET, HEAD"),
            ("/api/v1/tasks/019300aa-0000-7000-8000-000000000001", ["POST", "PUT", "PATCH"], "GET, HEAD, DELETE"),
            ("/api/v1/tasks/a/preview", ["POST", "PUT", "DELETE"], "GET, HEAD"),
            ("/api/v1/tasks/a/events", ["POST", "PUT", "DELETE", "OPTIONS"], "GET, HEAD"),
            ("/api/v1/models", ["POST", "DELETE"], "GET, HEAD"),
            ("/api/v1/uploads", ["PUT", "DELETE", "PATCH"], "GET, HEAD, POST"),
            ("/api/v1/uploads/a", ["POST", "PUT", "PATCH"], "GET, HEAD, DELETE"),
            ("/api/v1/videos/a.mp4", ["POST", "PUT", "DELETE", "PROPFIND"], "GET, HEAD"),
            ("/api/v1/videos/a/poster.jpg", ["POST", "PUT", "DELETE"], "GET, HEAD"),
            ("/api/v1/deliveries", ["POST", "PUT", "DELETE"], "GET, HEAD"),
            ("/api/v1/deliveries/a-1/redeliver", ["GET", "HEAD", "PUT", "DELETE"], "POST"),
            ("/api/v1/devices", ["POST", "PUT", "DELETE"], "GET, HEAD"),
            ("/api/v1/devices/cuda:0/drain", ["GET", "HEAD", "PUT", "DELETE"], "POST"),
            ("/api/v1/devices/cuda:0/resume", ["GET", "HEAD", "DELETE"], "POST"),
            ("/api/v1/queue", ["POST", "DELETE"], "GET, HEAD"),
            ("/api/v1/scale", ["POST", "DELETE"], "GET, HEAD"), ("/api/v1/drain", ["GET", "HEAD", "DELETE"], "POST"),
            ("/api/v1/resume", ["GET", "HEAD", "DELETE"], "POST"), ("/healthz", ["POST", "DELETE"], "GET, HEAD"),
            ("/readyz", ["POST", "OPTIONS"], "GET, HEAD"),
        ] as [(String, [String], String)]
    )
    func methodNotAllowed(_ path: String, _ methods: [String], _ allowed: String) async throws {
        try await withAPI { port in
            for method in methods {
                let response = try await request(port, method, path)
                #expect(response.status == 405)
                #expect(response["Allow"] == allowed)
                #expect(method == "HEAD" || response.code == "method_not_allowed")
            }
        }
    }

    @Test(
        "A path that is not there is 404",
        arguments: [
            "//", "/index.html", "/api", "/api/v1", "/api/v1/", "/api/v1/generate/", "/api/v1/tasks/", "/api/v2/tasks",
            "/API/v1/tasks",
            "//api/v1/tasks", "/api/v1/tasks/a/b", "/healthz/", "/healthz%20", "/%00",
            "/api/v1/tasks%3Flimit=1", "/api/v1/deliveries/", "/api/v1/deliveries/a-1", "/api/v1/uploads/",
            "/api/v1/uploads/a/b", "/api/v1/models/", "/api/v1/models/a", "/api/v1/tasks//preview",
            "/api/v1/tasks/a/preview/", "/api/v1/tasks/a/b/preview",
            "/api/v1/deliveries/a/b/redeliver",
            "/api/v1/deliveries/a-1/redeliver/", "/api/v1/videos/a/b/c",
            "/api/v1/devices/", "/api/v1/devices/a", "/api/v1/devices//drain", "/api/v1/devices/a/b/drain",
            "/api/v1/devices/a/drain/", "/api/v1/devices/drain", "/api/v1/queue/", "/api/v1/drain/a",
        ]
    )
    func notFound(_ path: String) async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", path)
            #expect(response.status == 404)
            #expect(response.code == "route_not_found")
            #expect(response["Content-Type"] == "application/problem+json")
        }
    }

    @Test(
        "HEAD is GET without the body",
        arguments: [
            "/healthz", "/readyz", "/api/v1/tasks", "/api/v1/models", "/api/v1/devices", "/api/v1/queue", "/nowhere",
        ])
    func head(_ path: String) async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", path)
            let get = try await client.response()
            try await client.send("HEAD", path)
            let head = try await client.response(hasBody: false)
            #expect(head.status == get.status)
            #expect(head["Content-Type"] == get["Content-Type"])
            #expect(path == "/nowhere" || head["Content-Length"] == get["Content-Length"])
            try await client.send("GET", "/healthz")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("The server lives whatever the service says, and is ready when nothing keeps it from working")
    func health() async throws {
        let service = ScriptedVideoService {
            $0.failure = .store(.unavailable("gone"))
            $0.catalog = nil
        }
        try await withAPI(service) { port in
            #expect(try await request(port, "GET", "/healthz").text == #"{"status":"live","version":"1.2.3"}"#)
            #expect(try await request(port, "GET", "/readyz").text == #"{"status":"ready"}"#)
            service.change { $0.obstacles = [Obstacle(code: "engine_starting", message: "The engine is starting.")] }
            let response = try await request(port, "GET", "/readyz", headers: [("X-Request-ID", "ready")])
            #expect(response.status == 503)
            #expect(response["Retry-After"] == "5")
            try expectWire(response.body, "problem-not-ready")
        }
    }

    @Test(
        "A request id of the client is kept if it is harmless",
        arguments: [
            ("abc-DEF_1.2", true), (String(repeating: "a", count: 128), true),
            (String(repeating: "a", count: 129), false),
            ("a b", false), ("a\"b", false), ("", false), ("é", false),
        ]
    )
    func requestID(_ given: String, _ isKept: Bool) async throws {
        try await withAPI { port in
            let id = try await request(port, "GET", "/healthz", headers: [("X-Request-ID", given)])["X-Request-ID"]
            #expect((id == given) == isKept)
            #expect(id?.isEmpty == false)
        }
    }

    @Test("The paths and methods of openapi.yaml are those of the server")
    func contract() throws {
        let documented = try OpenAPIFile().operations
        let served = Route.allCases.flatMap { route in
            route.methods.map { "\($0.rawValue) \(route.rawValue)" }
        }
        #expect(documented.sorted() == served.sorted())
    }

    @Test("Every code of a violation and every status is in openapi.yaml")
    func vocabulary() throws {
        let text = try OpenAPIFile().text
        for code in Violation.Code.allCases { #expect(text.contains("- \(code.rawValue)\n"), "\(code)") }
        for status in WireStatus.allCases { #expect(text.contains("- \(status.rawValue)\n"), "\(status)") }
        for field in VideoWire.Field.allCases { #expect(text.contains(" \(field.rawValue):"), "\(field)") }
        for mode in MemoryMode.allCases { #expect(text.contains("- \(mode.rawValue)\n"), "\(mode)") }
        for state in DeviceStatus.State.allCases { #expect(text.contains("- \(state.rawValue)\n"), "\(state)") }
        for state in EngineStatus.State.allCases { #expect(text.contains("- \(state.rawValue)\n"), "\(state)") }
        for word in TaskPriority.allCases { #expect(text.contains("- \(word.rawValue)\n"), "\(word)") }
        for reason in Degradation.Reason.allCases { #expect(text.contains("- \(reason.rawValue)\n"), "\(reason)") }
        for stage in GenerationProgress.Stage.allCases { #expect(text.contains("- \(stage.rawValue)\n"), "\(stage)") }
    }
}
