import HTTPTypes
import Scheduling
import Tasks
import TestSupport
import Testing

@testable import API

struct ForeignPagesTests {
    private func code(
        _ method: HTTPRequest.Method,
        _ host: String,
        origin: String? = nil,
        _ settings: APISettings = APISettings()
    ) -> String? {
        var request = HTTPRequest(method: method, scheme: "http", authority: host, path: "/api/v1/queue")
        request.headerFields[.origin] = origin
        do {
            try ForeignPages(settings).check(request)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(
        "A server without keys answers by addresses and names that nobody else can have given the machine",
        arguments: [
            "localhost", "LOCALHOST:5000", "a.localhost", "127.0.0.1:5000", "[::1]:5000", "192.168.1.7", "10.0.0.1:80",
        ]
    )
    func ownHosts(_ host: String) {
        #expect(code(.get, host) == nil)
    }

    @Test(
        "A name that a page may have given the machine is refused",
        arguments: ["evil.example", "localhost.evil.example:5000", ""]
    )
    func foreignHosts(_ host: String) {
        #expect(code(.get, host) == "foreign_host")
        #expect(code(.post, host) == "foreign_host")
    }

    @Test("The public address is a name of the server's own, and one that listens elsewhere knows none")
    func names() {
        let published = APISettings(publicURL: "https://video.example.org")
        #expect(code(.get, "video.example.org", published) == nil)
        #expect(code(.get, "other.example.org", published) == "foreign_host")
        #expect(code(.get, "other.example.org", APISettings(host: "0.0.0.0")) == nil)
    }

    @Test("A page of another origin may look where the browser lets it, and change nothing")
    func origins() {
        for origin in ["http://evil.example", "null", "http://localhost:8080", "https://localhost:5000.evil.example"] {
            #expect(code(.post, "localhost:5000", origin: origin) == "foreign_origin")
            #expect(code(.delete, "localhost:5000", origin: origin) == "foreign_origin")
            #expect(code(.get, "localhost:5000", origin: origin) == nil)
        }
        #expect(code(.post, "localhost:5000", origin: "http://localhost:5000") == nil)
        let open = APISettings(host: "0.0.0.0")
        #expect(code(.post, "0.0.0.0:1", origin: "http://evil.example", open) == "foreign_origin")
        let allowing = APISettings(corsOrigins: ["http://evil.example"])
        #expect(code(.post, "localhost:5000", origin: "http://evil.example", allowing) == nil)
        #expect(code(.post, "localhost:5000", origin: "null", APISettings(corsOrigins: ["*"])) == nil)
        let published = APISettings(publicURL: "https://video.example.org")
        #expect(code(.post, "127.0.0.1:5000", origin: "https://video.example.org", published) == nil)
    }

    @Test("A page can neither drain a server without keys nor read from it by a name of its own")
    func served() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let drain = try await request(port, "POST", "/api/v1/drain", headers: [("Origin", "http://evil.example")])
            #expect(drain.status == 403)
            #expect(drain.code == "foreign_origin")
            #expect(service.drained.isEmpty)
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET /api/v1/tasks HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            #expect(try await client.response().code == "foreign_host")
            try await client.send("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("Where keys are asked for, names and origins do not count")
    func withKeys() async throws {
        let world = try await AccessWorld()
        let admin = try await world.key("admin", [.admin]).text
        try await withAPI(access: world.control) { port in
            let headers = [("Origin", "http://evil.example"), ("Authorization", "Bearer \(admin)")]
            let drain = try await request(port, "POST", "/api/v1/drain", headers: headers)
            #expect(drain.status == 200)
        }
    }
}
