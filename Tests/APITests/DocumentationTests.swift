import Foundation
import TestSupport
import Testing

@testable import API

struct DocumentationTests {
    @Test("The description is JSON with the address that the client has used")
    func document() async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/openapi.json")
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "application/json")
            #expect(response["Cache-Control"] == "public, max-age=60")
            let servers = try #require(response.json["servers"] as? [[String: Any]])
            #expect(servers.map { $0["url"] as? String } == ["http://localhost"])
            let paths = try #require(response.json["paths"] as? [String: Any])
            #expect(paths.count > 20)
            #expect(Set(paths.keys).isSubset(of: Set(Route.allCases.map(\.rawValue))))
            let tag = try #require(response["ETag"])
            let again = try await request(port, "GET", "/openapi.json", headers: [("If-None-Match", tag)])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
        }
        try await withAPI(ScriptedVideoService(), APISettings(publicURL: "https://video.example.org")) { port in
            let response = try await request(port, "GET", "/openapi.json")
            #expect((response.json["servers"] as? [[String: String]])?.first?["url"] == "https://video.example.org")
        }
    }

    @Test("The tag changes with the address")
    func tags() {
        #expect(OpenAPIDocument.tag(at: "http://a") == OpenAPIDocument.tag(at: "http://a"))
        #expect(OpenAPIDocument.tag(at: "http://a") != OpenAPIDocument.tag(at: "http://b"))
        #expect(OpenAPIDocument.tag(at: "http://a").text.utf8.count == 34)
    }

    @Test(
        "The studio and the operator page run what is written into them and ask for nothing from elsewhere",
        arguments: ["/", "/admin"]
    )
    func pages(_ path: String) async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", path)
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/html; charset=utf-8")
            let policy = try #require(response["Content-Security-Policy"])
            #expect(policy.contains("script-src 'self' 'sha256-") && !policy.contains("unsafe"))
            for word in ["http://", "https://", "style=", " onclick=\"", "innerHTML", "/* include"] {
                #expect(!response.text.contains(word), "the page contains \(word)")
            }
            #expect(try await request(port, "HEAD", path).status == 200)
            #expect(try await request(port, "POST", path).status == 405)
        }
        try await withAPI(ScriptedVideoService(), APISettings(videoOrigin: "https://films.example.org")) { port in
            let policy = try #require(try await request(port, "GET", "/")["Content-Security-Policy"])
            #expect(policy.contains("; media-src 'self' blob: https://films.example.org;"))
            #expect(policy.contains("; img-src 'self' data: blob: https://films.example.org;"))
            #expect(policy.contains("; connect-src 'self';"))
        }
    }

    @Test("The page runs what is written into it and asks for nothing from elsewhere")
    func page() async throws {
        try await withAPI { port in
            let response = try await request(port, "GET", "/docs")
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/html; charset=utf-8")
            let policy = try #require(response["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'"))
            #expect(policy.contains("script-src 'self' 'sha256-"))
            #expect(!policy.contains("unsafe"))
            #expect(!response.text.contains("http://") && !response.text.contains("https://"))
            #expect(!response.text.contains("style=\"") && !response.text.contains("onclick"))
            #expect(try await request(port, "POST", "/docs").status == 405)
            #expect(try await request(port, "POST", "/openapi.json").status == 405)
        }
    }
}
