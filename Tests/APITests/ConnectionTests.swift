import Foundation
import TestSupport
import Testing

@testable import API

/// What happens to connections whose clients are slow, wrong or malicious.
struct ConnectionTests {
    private static let post = "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    private static let body = #"{"prompt":"a"}"#

    @Test("A body that dribbles is refused when its time is over")
    func slowBody() async throws {
        try await withAPI(ScriptedVideoService(), APISettings(bodyDeadline: .milliseconds(700))) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.post + "Content-Length: 1000\r\n\r\n")
            let dribble = Task {
                // The server closes; then this fails, which ends it.
                while !Task.isCancelled {
                    try await client.send(" ")
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let response = try await client.response()
            dribble.cancel()
            #expect(response.status == 408)
            #expect(response.code == "body_timeout")
            #expect(response["Connection"] == "close")
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test("A body that dribbles after its response is not waited for")
    func slowUnreadBody() async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n ")
            let response = try await client.response()
            #expect(response.status == 200)
            #expect(response["Connection"] == "close")
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test(
        "A connection on which nothing comes is closed",
        arguments: ["", "GET /heal", "POST / HTTP/1.1\r\nHost: localhost\r\n"]
    )
    func idle(_ start: String) async throws {
        try await withAPI(ScriptedVideoService(), APISettings(idleTimeout: .milliseconds(500))) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(start)
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test("A body that is announced too large is refused before it is sent")
    func announcedTooLarge() async throws {
        try await withAPI { port in
            for length in ["1048577", "99999999999999"] {
                let client = try HTTPClientFixture(port: port)
                try await client.send(Self.post + "Content-Length: \(length)\r\nExpect: 100-continue\r\n\r\n")
                let response = try await client.response()
                #expect(response.status == 413)
                #expect(response.code == "body_too_large")
                #expect(response["Connection"] == "close")
            }
        }
    }

    @Test("A chunked body without a length is refused once it is too large")
    func chunkedTooLarge() async throws {
        try await withAPI(ScriptedVideoService(), APISettings(maxBodyBytes: 10_000)) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n")
            let flood = Task {
                // Ends by itself, or when the server closes.
                for _ in 0..<100 { try await client.send("400\r\n\(String(repeating: " ", count: 1024))\r\n") }
            }
            let response = try await client.response()
            #expect(response.status == 413)
            #expect(response["Connection"] == "close")
            flood.cancel()
            _ = await flood.result
        }
    }

    @Test("A body of just the limit is read")
    func limit() async throws {
        try await withAPI(ScriptedVideoService(), APISettings(maxBodyBytes: 10_000)) { port in
            let padded = Self.body + String(repeating: " ", count: 10_000 - Self.body.utf8.count)
            let fits = try await generate(port, padded)
            #expect(fits.status == 202)
            let isOver = try await generate(port, padded + " ")
            #expect(isOver.status == 413)
        }
    }

    @Test("A chunked body is read")
    func chunked() async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n")
            for character in Self.body { try await client.send("1\r\n\(character)\r\n") }
            try await client.send("0\r\n\r\n")
            #expect(try await client.response().status == 202)
        }
    }

    @Test("A client that waits for 100 Continue gets it")
    func expectContinue() async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            for _ in 0..<2 {
                let length = Self.body.utf8.count
                try await client.send(Self.post + "Content-Length: \(length)\r\nExpect: 100-continue\r\n\r\n")
                #expect(try await client.response().status == 100)
                try await client.send(Self.body)
                #expect(try await client.response().status == 202)
            }
        }
    }

    @Test("Requests that come at once are answered in order")
    func pipelined() async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            let post = Self.post + "Content-Length: \(Self.body.utf8.count)\r\n\r\n" + Self.body
            let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try await client.send(get + post + "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" + post + get)
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(try await client.response().status) }
            #expect(statuses == [200, 202, 404, 202, 200])
        }
    }

    @Test("A connection is closed when the client asks for it", arguments: ["close", "Close", "keep-alive, close"])
    func close(_ connection: String) async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET", "/healthz", headers: [("Connection", connection)])
            #expect(try await client.response()["Connection"] == "close")
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test(
        "A request has exactly one valid Host",
        arguments: [
            "", "Host: \r\n", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n",
            "Host: \"\r\n",
        ]
    )
    func host(_ header: String) async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send("GET /healthz HTTP/1.1\r\n\(header)\r\n")
            let response = try await client.response()
            #expect(response.status == 400)
            #expect(response.code == "bad_host")
        }
    }

    @Test(
        "What is not HTTP gets a problem and the end of the connection",
        arguments: [
            "garbage\r\n\r\n", "GET\r\n\r\n", "GET /healthz HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", post + "Content-Length: -1\r\n\r\n",
            post + "Content-Length: x\r\n\r\n", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            post + "Content-Length: 99999999999999999999999\r\n\r\n",
        ]
    )
    func notHTTP(_ bytes: String) async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(bytes)
            let response = try await client.response()
            #expect(response.status == 400)
            #expect(response["Content-Type"] == "application/problem+json")
            #expect(response["Connection"] == "close")
            #expect(response.code == "malformed_http")
            #expect(response.json["request_id"] as? String == response["X-Request-ID"])
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test(
        "A body that is not framed correctly is refused", arguments: ["zz\r\n", "-1\r\n", "ffffffffffffffffffff\r\n"])
    func wrongChunk(_ chunk: String) async throws {
        try await withAPI { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n" + chunk)
            let response = try await client.response()
            #expect(response.status == 400)
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test("A body that ends early is not taken for a whole one")
    func earlyEnd() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.post + "Content-Length: 100\r\n\r\n" + Self.body)
            client.endSending()
            let answer = String(decoding: try await client.readToEnd(), as: UTF8.self)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400"))
        }
        #expect(service.submitted.isEmpty)
    }

    @Test("Headers that are too long or too many are refused")
    func headers() async throws {
        try await withAPI { port in
            let long = try await request(
                port, "GET", "/healthz", headers: [("X", String(repeating: "x", count: 20_000))])
            #expect(long.status == 431)
            #expect(long.code == "headers_too_large")
            let many = try await request(port, "GET", "/healthz", headers: (0..<200).map { ("X\($0)", "x") })
            #expect(many.status == 431)
        }
    }

    @Test("A client that leaves while its body is read harms nobody")
    func disconnect() async throws {
        let service = ScriptedVideoService()
        try await withAPI(service) { port in
            for _ in 0..<10 {
                let client = try HTTPClientFixture(port: port)
                try await client.send(Self.post + "Content-Length: 100\r\n\r\n{")
                client.disconnect()
            }
            #expect(try await generate(port, Self.body).status == 202)
        }
        #expect(service.submitted.count == 1)
    }

    @Test("Many clients at once all get their answers")
    func many() async throws {
        try await withAPI { port in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        let client = try HTTPClientFixture(port: port)
                        for _ in 0..<9 {
                            try await client.send("GET", "/healthz")
                            guard try await client.response().status == 200 else { return 0 }
                        }
                        try await client.send(Self.post + "Content-Length: \(Self.body.utf8.count)\r\n\r\n" + Self.body)
                        return try await client.response().status
                    }
                }
                for try await status in group { #expect(status == 202) }
            }
        }
    }
}
