import Logging
import Redis
import TestSupport
import Testing

/// Makes clients for tests and closes them.
enum ClientFixture {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a body with a client, and closes that afterwards.
    static func with<Value>(
        _ url: String,
        change: (inout RedisSettings) -> Void = { _ in },
        _ body: (RedisClient) async throws -> Value
    ) async throws -> Value {
        var settings = RedisSettings(url: try RedisURL(url), commandTimeout: .seconds(60), grace: .seconds(60))
        settings.connectTimeout = .seconds(60)
        change(&settings)
        let client = try RedisClient(settings, logger: logger)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// Asks until the answer is there; the bound is for a machine that has no time for this.
    static func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("did not happen: \(what)")
    }
}

extension RedisError {
    var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
    var isOutcomeUnknown: Bool { if case .outcomeUnknown = self { true } else { false } }
}
