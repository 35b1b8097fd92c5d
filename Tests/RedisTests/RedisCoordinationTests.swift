import Redis
import Tasks
import TasksRedis
import TestSupport
import Testing

struct RedisCoordinationTests {
    @Test("The coordination in Redis keeps the contract", arguments: CoordinationConformance.all)
    func conformance(behaviour: CoordinationConformance) async throws {
        let fixture = try await RedisFixture.shared()
        let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        try await ClientFixture.with(fixture.url) { one async throws in
            try await ClientFixture.with(fixture.url) { other async throws in
                try await withCoordination(one, settings) { one async throws in
                    try await withCoordination(other, settings) { other async throws in
                        try await behaviour.check(one, other)
                    }
                }
            }
        }
    }

    @Test("Messages go on, each once and in order, after the server was killed and is back")
    func killed() async throws {
        let fixture = try await RedisFixture(isDurable: true)
        let settings = RedisStoreSettings()
        try await ClientFixture.with(fixture.url) { client async throws in
            try await withCoordination(client, settings) { coordination async throws in
                var reader = coordination.messages(of: "costs").makeAsyncIterator()
                try await coordination.post([1], to: "costs", keeping: 10)
                #expect(await reader.next() == [1])
                await fixture.kill()
                try await fixture.start()
                try await ClientFixture.eventually("it is back") {
                    do throws(TaskStoreError) {
                        return try await coordination.members().isEmpty
                    } catch { return false }
                }
                try await coordination.post([2], to: "costs", keeping: 10)
                try await coordination.post([3], to: "costs", keeping: 10)
                #expect(await reader.next() == [2])
                #expect(await reader.next() == [3])
            }
        }
    }

    @Test("Messages go on after the server has lost everything")
    func emptied() async throws {
        let fixture = try await RedisFixture()
        let settings = RedisStoreSettings()
        try await ClientFixture.with(fixture.url) { client async throws in
            try await withCoordination(client, settings) { coordination async throws in
                var reader = coordination.messages(of: "costs").makeAsyncIterator()
                // As if the clock of the server that is gone had been years ahead.
                let key = "{\(settings.prefix)}:co:topic:costs"
                _ = try await client.send(RedisCommand("XADD", key, "9999999999999-0", "m", "old"))
                #expect(await reader.next() == Array("old".utf8))
                await fixture.kill()
                try await fixture.start()
                try await ClientFixture.eventually("it is back") {
                    do throws(TaskStoreError) {
                        return try await coordination.members().isEmpty
                    } catch { return false }
                }
                try await coordination.post([1], to: "costs", keeping: 10)
                #expect(await reader.next() == [1])
            }
        }
    }

    @Test("Streams end when the coordination is closed, and those that begin later at once")
    func closed() async throws {
        let fixture = try await RedisFixture.shared()
        let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        try await ClientFixture.with(fixture.url) { client async throws in
            let coordination = RedisCoordination(client, settings: settings, logger: ClientFixture.logger)
            let reader = coordination.messages(of: "costs")
            await coordination.close()
            for await _ in reader { Issue.record("nothing was told") }
            for await _ in coordination.messages(of: "costs") { Issue.record("nothing was told") }
        }
    }

    @Test("What was told long ago is dropped down to what is kept")
    func dropped() async throws {
        let fixture = try await RedisFixture.shared()
        let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        try await ClientFixture.with(fixture.url) { client async throws in
            try await withCoordination(client, settings) { coordination async throws in
                let key = "{\(settings.prefix)}:co:topic:costs"
                for number in 1...20 { _ = try await client.send(RedisCommand("XADD", key, "\(number)-0", "m", "old")) }
                for number in 1...3 { try await coordination.post([UInt8(number)], to: "costs", keeping: 5) }
                #expect(try await client.send(RedisCommand("XLEN", key)) == .integer(5))
            }
        }
    }

    @Test("Without a server every call says that it is unavailable")
    func noServer() async throws {
        let server = try await LoopbackServer { _ in nil }
        try await server.close()
        try await ClientFixture.with(server.url, change: { $0.grace = .zero }) { client async throws in
            try await withCoordination(client, RedisStoreSettings()) { coordination async throws in
                let error = await #expect(throws: TaskStoreError.self) { try await coordination.members() }
                guard case .unavailable? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    private func withCoordination(
        _ client: RedisClient,
        _ settings: RedisStoreSettings,
        _ body: (RedisCoordination) async throws -> Void
    ) async throws {
        let coordination = RedisCoordination(client, settings: settings, logger: ClientFixture.logger)
        do {
            try await body(coordination)
            await coordination.close()
        } catch {
            await coordination.close()
            throw error
        }
    }
}
