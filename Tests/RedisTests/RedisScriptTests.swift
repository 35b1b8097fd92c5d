import Redis
import TestSupport
import Testing

struct RedisScriptTests {
    @Test("A script is known by the hash that the server computes")
    func sha() async throws {
        let fixture = try await RedisFixture.shared()
        try await ClientFixture.with(fixture.url) { client async throws in
            let script = RedisScript("return 'ä' .. ARGV[1]")
            #expect(try await client.send(RedisCommand("SCRIPT", "LOAD", script.source)).text == script.sha)
        }
    }

    @Test("A server that does not know a script, or forgot it, is told it")
    func noScript() async throws {
        let fixture = try await RedisFixture()
        try await ClientFixture.with(fixture.url) { client async throws in
            let script = RedisScript("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[2])}")
            for round in 1...2 {
                for call in 1...2 {
                    let reply = try await script.run(on: client, keys: ["a", "b"], arguments: [call])
                    let count = Int64((round - 1) * 2 + call)
                    #expect(reply == .array([.bulk([97]), .bulk(Array("\(call)".utf8)), .integer(count)]))
                }
                _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
            }
        }
    }

    @Test("What a script raises is a refusal")
    func raises() async throws {
        let fixture = try await RedisFixture.shared()
        try await ClientFixture.with(fixture.url) { client async throws in
            let script = RedisScript("return redis.error_reply('STALE it is')")
            let error = await #expect(throws: RedisError.self) {
                try await script.run(on: client, keys: [], arguments: [])
            }
            #expect(error == .refused("STALE it is"))
        }
    }
}
