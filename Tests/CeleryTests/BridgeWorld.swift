import Foundation
import Logging
import Redis
import Tasks
import TestSupport

@testable import Celery

/// A bridge on a real Redis, on a queue of its own.
struct BridgeWorld: Sendable {
    let queue: String
    let settings: CelerySettings
    let submissions: ScriptedSubmissions
    let client: RedisClient
    private let url: RedisURL

    /// - Parameter change: of the settings.
    /// - Throws: if there is no Redis.
    init(_ change: (inout CelerySettings) -> Void = { _ in }) async throws {
        let fixture = try await RedisFixture.shared()
        url = try RedisURL(fixture.url)
        queue = RedisFixture.uniquePrefix("celery")
        var settings = CelerySettings(
            queue: queue,
            worker: "animato@\(queue)",
            store: "store",
            pollInterval: .milliseconds(10),
            progressInterval: .milliseconds(10),
            heartbeat: .milliseconds(100)
        )
        change(&settings)
        self.settings = settings
        submissions = try ScriptedSubmissions()
        client = try RedisClient(RedisSettings(url: url), logger: Logger(label: "test"))
    }

    /// Runs the bridge while something is done.
    func run(_ body: (BridgeWorld) async throws -> Void) async throws {
        let bridge = CeleryBridge(
            submissions: submissions,
            broker: client,
            backend: client,
            subscriber: try RedisSubscriber(RedisSettings(url: url), logger: Logger(label: "test")),
            settings: settings,
            version: "1",
            clock: SystemClock(),
            logger: Logger(label: "test")
        )
        let outcome: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await bridge.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(self)) } catch { outcome = .failure(error) }
            group.cancelAll()
            return outcome
        }
        await client.close()
        try outcome.get()
    }

    /// A message with an id of its own.
    func message(_ id: String, _ replacements: (String, String)...) -> String {
        ([("11111111-1111-1111-1111-111111111111", id)] + replacements)
            .reduce(Recorded.plain) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    func push(_ message: String) async throws {
        _ = try await client.send(RedisCommand("LPUSH", queue, message))
    }

    /// The record of an id once its state is as wanted.
    func record(_ id: String, _ state: String) async throws -> JSON {
        try await wait("\(id) is not \(state)") {
            guard let bytes = try await client.send(RedisCommand("GET", "celery-task-meta-\(id)")).bytes else {
                return nil
            }
            let record = try JSONParser.parse(bytes)
            return record["status"]?.text == state ? record : nil
        }
    }

    /// The number of elements of a list of the bridge.
    func length(_ list: String) async throws -> Int64? {
        try await client.send(RedisCommand("LLEN", "_animato.\(queue).\(list)")).integer
    }

    /// What is looked for, as soon as it is there.
    @discardableResult
    func wait<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if let value = try await look() { return value }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Missing(description: what)
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String
    }
}
