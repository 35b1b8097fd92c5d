import Foundation
import Scheduling
import Synchronization
import Tasks
import TestSupport
import Testing

@testable import API

/// Uploads whose clients or whose disk are slow, wrong or gone.
struct UploadStreamTests {
    private static let chunked =
        "POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test("A client waits while the disk does")
    func backPressure() async throws {
        let uploads = ScriptedUploads(gate: Gate())
        try await withAPI(ScriptedVideoService(uploads: uploads)) { port in
            let client = try HTTPClientFixture(port: port)
            // More than the system holds for both sides together.
            let file = [UInt8](repeating: 7, count: 24 << 20)
            let isSent = Mutex(false)
            try await client.send(UploadTests.head(length: file.count))
            async let sending: Void = {
                try await client.send(file)
                isSent.withLock { $0 = true }
            }()
            #expect(await uploads.parts.first { _ in true } != nil)
            // A server that did not wait would read on meanwhile; one that does passes however long this is.
            try await Task.sleep(for: .milliseconds(300))
            #expect(!isSent.withLock { $0 })
            uploads.gate?.unlock()
            let response = try await client.response()
            try await sending
            #expect(response.status == 201)
            #expect(response.json["bytes"] as? Int == file.count)
        }
    }

    @Test("An upload has a deadline of its own, longer than that of other bodies")
    func deadline() async throws {
        let settings = APISettings(bodyDeadline: .milliseconds(100), uploadDeadline: .milliseconds(900))
        let uploads = ScriptedUploads()
        try await withAPI(ScriptedVideoService(uploads: uploads), settings) { port in
            let start = ContinuousClock.now
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.chunked)
            let dribble = Task {
                // The server closes; then this fails, which ends it.
                while !Task.isCancelled {
                    try await client.send("1\r\n \r\n")
                    try await Task.sleep(for: .milliseconds(30))
                }
            }
            let response = try await client.response()
            dribble.cancel()
            #expect(response.status == 408)
            #expect(response.code == "body_timeout")
            #expect(response["Connection"] == "close")
            #expect(ContinuousClock.now - start >= .milliseconds(900))
            #expect(try await client.readToEnd().isEmpty)
        }
        #expect(uploads.now.abandoned == 1)
    }

    @Test("The deadline of an upload is not that of the next request on its connection")
    func deadlineOfTheNext() async throws {
        let settings = APISettings(bodyDeadline: .milliseconds(300), uploadDeadline: .seconds(60))
        try await withAPI(ScriptedVideoService(), settings) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(UploadTests.head(length: 1) + "a")
            #expect(try await client.response().status == 201)
            try await client.send(
                "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
            #expect(try await client.response().status == 408)
        }
    }

    @Test("Nothing is left of a file whose client leaves", arguments: [true, false])
    func disconnect(_ isHalf: Bool) async throws {
        let uploads = ScriptedUploads()
        try await withAPI(ScriptedVideoService(uploads: uploads)) { port in
            for _ in 0..<5 {
                let client = try HTTPClientFixture(port: port)
                try await client.send(UploadTests.head(length: 1000) + "abc")
                if isHalf { client.endSending() } else { client.disconnect() }
                _ = try await client.readToEnd()
            }
            // The server may notice a moment later than the client.
            let deadline = ContinuousClock.now + .seconds(10)
            while uploads.now.abandoned < 5, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        #expect(uploads.now.begun == 5)
        #expect(uploads.now.abandoned == 5)
        #expect(uploads.now.kept.isEmpty)
    }

    @Test("A chunked file is kept; one with a wrong chunk is not")
    func chunks() async throws {
        let uploads = ScriptedUploads()
        try await withAPI(ScriptedVideoService(uploads: uploads)) { port in
            let client = try HTTPClientFixture(port: port)
            try await client.send(Self.chunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            #expect(try await client.response().status == 201)
            try await client.send(Self.chunked + "3\r\nabc\r\nzz\r\n")
            #expect(try await client.response().status == 400)
        }
        #expect(uploads.now.files == [Array("abcde".utf8)])
        #expect(uploads.now.abandoned == uploads.now.begun - 1)
    }

    @Test("No more files come in at once than may, and a place is free again after each end")
    func places() async throws {
        let uploads = ScriptedUploads(gate: Gate())
        let settings = APISettings(maxConcurrentUploads: 1)
        try await withAPI(ScriptedVideoService(uploads: uploads), settings) { port in
            let first = try HTTPClientFixture(port: port)
            try await first.send(UploadTests.head(length: 1) + "a")
            #expect(await uploads.parts.first { _ in true } != nil)
            let second = try await request(
                port, "POST", "/api/v1/uploads", headers: [("Content-Type", "image/png")], body: "a")
            #expect(second.status == 503)
            #expect(second.code == "uploads_busy")
            #expect(second["Retry-After"] == "5")
            uploads.gate?.unlock()
            #expect(try await first.response().status == 201)
            for body in ["a", "", "a"] {
                let next = try await request(
                    port, "POST", "/api/v1/uploads", headers: [("Content-Type", "image/png")], body: body)
                #expect(next.status == (body.isEmpty ? 422 : 201))
            }
        }
    }
}
