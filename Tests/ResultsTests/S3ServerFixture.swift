import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import TestSupport

@testable import Results

/// A real S3 server of another make, one for all tests; it ends with this process.
final class S3ServerFixture: Sendable {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// Whether the server can be started; in CI it must.
    static let isAvailable: Bool = {
        if ProcessInfo.processInfo.environment["CI"] != nil { return true }
        guard let python = try? EngineFixture.python() else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", "import moto.server"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private static let shared = Task { try S3ServerFixture() }

    let port: Int
    private let process: Process
    /// The server ends when this does.
    private let input = Pipe()

    private init() throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "EndToEnd/s3_server.py").path(percentEncoded: false)
        let output = Pipe()
        process = Process()
        process.executableURL = URL(fileURLWithPath: try EngineFixture.python())
        process.arguments = [script]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // One line, or the end of the output if it cannot start.
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .newlines)) else {
            throw Missing(description: "the S3 server did not start: run `make setup` first")
        }
        self.port = port
    }

    static func running() async throws -> S3ServerFixture {
        try await shared.value
    }

    /// Settings of a new bucket.
    func bucket() async throws -> S3Settings {
        let settings = try settings(bucket: "b-\(UUID().uuidString.lowercased())")
        let client = S3Client(settings: settings, http: HTTPClient.shared)
        try await client.send(S3Request(method: .PUT, key: ""))
        return settings
    }

    /// Settings of a bucket that need not be there.
    func settings(bucket: String) throws -> S3Settings {
        guard let endpoint = S3Endpoint("http://127.0.0.1:\(port)") else {
            throw Missing(description: "the port \(port) makes no endpoint")
        }
        return S3Settings(
            endpoint: endpoint,
            bucket: bucket,
            prefix: "some/where/",
            credentials: S3Credentials(accessKey: "key", secretKey: "secret"),
            usesPathStyle: true
        )
    }

    /// Lets the next requests of a kind fail: with a status, or `cut` in the middle of the answer.
    func fail(_ method: String, of key: String, with status: String, times: Int = 1) async throws {
        _ = try await control("POST", "_fault?method=\(method)&key=\(key)&status=\(status)&times=\(times)")
    }

    /// How many requests of a kind came in.
    func count(_ method: String, of key: String) async throws -> Int? {
        Int(try await control("GET", "_count?method=\(method)&key=\(key)"))
    }

    private func control(_ method: String, _ path: String) async throws -> String {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/\(path)")
        request.method = HTTPMethod(rawValue: method)
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        return String(buffer: try await response.body.collect(upTo: 1024))
    }
}
