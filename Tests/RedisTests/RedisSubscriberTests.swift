import Logging
import Redis
import TestSupport
import Testing

struct RedisSubscriberTests {
    /// Publishes until somebody has heard it, since nobody hears what was published before.
    private func publish(_ text: String, _ channel: String, _ client: RedisClient) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if let count = try? await client.send(RedisCommand("PUBLISH", channel, text)).integer, count > 0 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("nobody listens")
    }

    @Test("What is published is heard, and after a restart of the server as well")
    func restart() async throws {
        let fixture = try await RedisFixture()
        let settings = RedisSettings(url: try RedisURL(fixture.url))
        let client = try RedisClient(settings, logger: Logger(label: "test"))
        let subscriber = try RedisSubscriber(settings, logger: Logger(label: "test"))
        let (heard, hear) = AsyncStream.makeStream(of: [UInt8].self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await subscriber.run(on: "news") { hear.yield($0) } }
            var words = heard.makeAsyncIterator()
            try await publish("one", "news", client)
            #expect(await words.next() == Array("one".utf8))
            await fixture.kill()
            try await fixture.start()
            try await publish("two", "news", client)
            #expect(await words.next() == Array("two".utf8))
            group.cancelAll()
        }
        await client.close()
    }

    @Test("It ends when its task is cancelled, also while there is no server")
    func cancelled() async throws {
        let subscriber = try RedisSubscriber(
            RedisSettings(url: RedisURL(host: "127.0.0.1", port: 1)), logger: Logger(label: "test"))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await subscriber.run(on: "news") { _ in } }
            group.cancelAll()
        }
    }
}
