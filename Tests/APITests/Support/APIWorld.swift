import API
import Access
import Foundation
import Hummingbird
import Logging
import Scheduling
import Tasks
import TestSupport
import Testing

/// Runs a server of its own on a port of its own for the length of a body.
func withAPI(
    _ service: any VideoService = ScriptedVideoService(),
    _ settings: APISettings = APISettings(),
    access: AccessControl? = nil,
    clock: any ServiceClock = SystemClock(),
    _ body: (Int) async throws -> Void
) async throws {
    var settings = settings
    settings.port = 0
    // A store of keys has threads of its own, which one for each of hundreds of tests at once are too many to leave behind.
    let world = access == nil ? try await AccessWorld() : nil
    let control = try #require(access ?? world?.control)
    let (bound, reportBound) = AsyncStream<BoundAddress>.makeStream()
    let logger = Logger(label: "api-tests") { _ in SwiftLogNoOpLogHandler() }
    let server = buildAPI(
        settings: settings,
        service: service,
        access: control,
        version: "1.2.3",
        clock: clock,
        logger: logger,
        onBound: { address in reportBound.yield(address) }
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { reportBound.finish() }
            do { try await server.run() } catch is CancellationError {}
        }
        let address = try #require(await bound.first { _ in true }, "The server did not start")
        try await body(address.port)
        group.cancelAll()
    }
    try await world?.close()
}

/// Sends one request on a connection of its own.
func request(
    _ port: Int,
    _ method: String,
    _ path: String,
    headers: [(String, String)] = [],
    body: String? = nil
) async throws -> HTTPResponseFixture {
    let client = try HTTPClientFixture(port: port)
    try await client.send(method, path, headers: headers, body: body)
    return try await client.response(hasBody: method != "HEAD")
}

/// Posts a body as JSON.
func generate(_ port: Int, _ body: String, headers: [(String, String)] = []) async throws -> HTTPResponseFixture {
    try await request(
        port,
        "POST",
        "/api/v1/generate",
        headers: [("Content-Type", "application/json")] + headers,
        body: body
    )
}

/// Compares a body with a file in `Wire`, which is written instead where `ANIMATO_RECORD_WIRE` is set.
func expectWire(
    _ body: [UInt8],
    _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Wire/\(name).json")
    let value = try JSONSerialization.jsonObject(with: Data(body))
    let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let pretty = try JSONSerialization.data(withJSONObject: value, options: options) + Data("\n".utf8)
    if ProcessInfo.processInfo.environment["ANIMATO_RECORD_WIRE"] != nil {
        try pretty.write(to: file)
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    #expect(String(decoding: pretty, as: UTF8.self) == expected, sourceLocation: sourceLocation)
}
