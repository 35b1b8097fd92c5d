import TestSupport
import Testing

@testable import API

/// Pages of other origins, and pages of our own.
struct CrossOriginTests {
    private static let studio = "https://studio.example.org"
    private static let asks = ("Access-Control-Request-Method", "POST")

    @Test("A page of an allowed origin is told what it may do, and sees the answer")
    func allowed() async throws {
        try await withAPI(ScriptedVideoService(), APISettings(corsOrigins: [Self.studio, "http://a:8080"])) { port in
            let preflight = try await request(
                port, "OPTIONS", "/api/v1/generate", headers: [("Origin", Self.studio), Self.asks])
            #expect(preflight.status == 204)
            #expect(preflight["Access-Control-Allow-Origin"] == Self.studio)
            #expect(preflight["Access-Control-Allow-Methods"] == "POST")
            #expect(preflight["Access-Control-Allow-Headers"]?.contains("Idempotency-Key") == true)
            #expect(preflight["Access-Control-Allow-Credentials"] == nil)
            #expect(preflight["Access-Control-Max-Age"] == "600")
            #expect(preflight["Vary"] == "Origin")
            #expect(preflight["X-Request-ID"] != nil)
            for path in ["/healthz", "/nowhere"] {
                let response = try await request(port, "GET", path, headers: [("Origin", "http://a:8080")])
                #expect(response["Access-Control-Allow-Origin"] == "http://a:8080")
                #expect(response["Access-Control-Expose-Headers"]?.contains("X-Request-ID") == true)
                #expect(response["Access-Control-Allow-Credentials"] == nil)
                #expect(response["Vary"] == "Origin")
            }
        }
    }

    @Test("A page of any other origin is told nothing", arguments: ["http://studio.example.org", "null", "*", ""])
    func refused(_ origin: String) async throws {
        try await withAPI(ScriptedVideoService(), APISettings(corsOrigins: [Self.studio])) { port in
            let preflight = try await request(
                port, "OPTIONS", "/api/v1/generate", headers: [("Origin", origin), Self.asks])
            #expect(preflight.status == 405)
            #expect(preflight["Access-Control-Allow-Origin"] == nil)
            #expect(preflight["Vary"] == "Origin")
            let response = try await request(port, "GET", "/healthz", headers: [("Origin", origin)])
            #expect(response.status == 200)
            #expect(response["Access-Control-Allow-Origin"] == nil)
            #expect(response["Vary"] == "Origin")
        }
    }

    @Test("Every origin may, if the settings say so")
    func everybody() async throws {
        try await withAPI(ScriptedVideoService(), APISettings(corsOrigins: ["*"])) { port in
            let preflight = try await request(
                port, "OPTIONS", "/api/v1/tasks/a", headers: [("Origin", "https://anywhere"), Self.asks])
            #expect(preflight.status == 204)
            #expect(preflight["Access-Control-Allow-Origin"] == "*")
            #expect(preflight["Access-Control-Allow-Methods"] == "GET, HEAD, DELETE")
            let nowhere = try await request(
                port, "OPTIONS", "/nowhere", headers: [("Origin", "https://anywhere"), Self.asks])
            #expect(nowhere.status == 404)
        }
    }

    @Test("Without a setting there is no sign of any of it")
    func off() async throws {
        try await withAPI { port in
            let preflight = try await request(
                port, "OPTIONS", "/api/v1/generate", headers: [("Origin", Self.studio), Self.asks])
            #expect(preflight.status == 405)
            let response = try await request(port, "GET", "/healthz", headers: [("Origin", Self.studio)])
            for name in ["Vary", "Access-Control-Allow-Origin", "Strict-Transport-Security"] {
                #expect(preflight[name] == nil)
                #expect(response[name] == nil)
            }
        }
    }

    @Test("Browsers are told to use nothing but TLS, if the settings say so")
    func hsts() async throws {
        try await withAPI(ScriptedVideoService(), APISettings(hsts: .seconds(31_536_000))) { port in
            for path in ["/healthz", "/nowhere"] {
                let response = try await request(port, "GET", path)
                #expect(response["Strict-Transport-Security"] == "max-age=31536000")
            }
        }
    }

    @Test("A page may run what is written into it, and nothing else")
    func policy() {
        let page = HTMLPage("<html><style>a{}</style><script src=\"/a.js\"></script><script>alert(1)</script></html>")
        let directives = page.policy.split(separator: "; ")
        #expect(directives.contains("default-src 'none'"))
        #expect(directives.contains("frame-ancestors 'none'"))
        // From another implementation: printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        #expect(directives.contains("script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"))
        #expect(directives.contains { $0.hasPrefix("style-src 'self' 'sha256-") })
        #expect(!page.policy.contains("unsafe"))
    }
}
