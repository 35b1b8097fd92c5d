import Redis
import Tasks
import TasksRedis
import TestSupport
import Testing

struct RedisClockTests {
    @Test("A host whose clock is wrong has the time of the server")
    func agrees() async throws {
        let fixture = try await RedisFixture.shared()
        try await ClientFixture.with(fixture.url) { client async throws in
            // It stands still at a moment long ago.
            let wrong = ManualClock()
            let clock = RedisClock(client, base: wrong, logger: ClientFixture.logger)
            #expect(clock.wallTime() == ManualClock.start)
            let before = SystemClock().wallTime()
            try await clock.measure()
            let after = SystemClock().wallTime()
            #expect((before...after).contains(clock.wallTime()))
            let measured = clock.wallTime()
            wrong.advance(by: .seconds(7))
            #expect(clock.wallTime() == measured.advanced(by: .seconds(7)))
        }
    }

    @Test("Without an answer it goes on as it went")
    func unanswered() async throws {
        let fixture = try await RedisFixture()
        try await ClientFixture.with(fixture.url, change: { $0.grace = .zero }) { client async throws in
            let base = ManualClock()
            let clock = RedisClock(client, base: base, logger: ClientFixture.logger)
            try await clock.measure()
            let measured = clock.wallTime()
            await fixture.kill()
            await #expect(throws: RedisError.self) { try await clock.measure() }
            base.advance(by: .seconds(1))
            #expect(clock.wallTime() == measured.advanced(by: .seconds(1)))
        }
    }

    @Test(
        "A time that is none is not taken over",
        arguments: [
            "*2\r\n$1\r\nx\r\n$1\r\n0\r\n", "*2\r\n$2\r\n-1\r\n$1\r\n0\r\n",
            "*2\r\n$19\r\n9223372036854775807\r\n$1\r\n0\r\n",
            "*2\r\n$1\r\n1\r\n$7\r\n1000000\r\n", "*1\r\n$1\r\n1\r\n", "$-1\r\n",
        ])
    func nonsense(answer: String) async throws {
        let server = try await LoopbackServer { LoopbackServer.greeting(to: $0) ?? answer }
        try await ClientFixture.with(server.url) { client async throws in
            let clock = RedisClock(client, base: ManualClock(), logger: ClientFixture.logger)
            await #expect(throws: RedisError.self) { try await clock.measure() }
            #expect(clock.wallTime() == ManualClock.start)
        }
        try await server.close()
    }
}
