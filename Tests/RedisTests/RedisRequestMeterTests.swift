import Redis
import Tasks
import TasksRedis
import TestSupport
import Testing

struct RedisRequestMeterTests {
    @Test("The meter in Redis keeps the contract", arguments: RequestMeterConformance.all)
    func conformance(behaviour: RequestMeterConformance) async throws {
        let fixture = try await RedisFixture.shared()
        let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        try await ClientFixture.with(fixture.url) { client async throws in
            try await behaviour.check { RedisRequestMeter(client, settings: settings, clock: $0) }
        }
    }

    @Test("It decides as the bucket in memory does, whatever comes when", arguments: 0..<4)
    func sameAsMemory(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let fixture = try await RedisFixture.shared()
        let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        try await ClientFixture.with(fixture.url) { client async throws in
            let clock = ManualClock()
            let meter = RedisRequestMeter(client, settings: settings, clock: clock)
            let limit = RateLimit(
                perSecond: Double.random(in: 0.01...50, using: &random), burst: Int.random(in: 1...20, using: &random))
            var bucket = TokenBucket(limit, at: Double(clock.wallTime().milliseconds) / 1000)
            for _ in 0..<200 {
                clock.advance(by: .milliseconds(Int.random(in: 0...200, using: &random)))
                let expected = bucket.take(limit, at: Double(clock.wallTime().milliseconds) / 1000)
                #expect(try await meter.take(from: "a", limit) == expected)
            }
        }
    }

    @Test("A bucket is gone some time after it is full, and what is damaged counts as full")
    func expiry() async throws {
        let fixture = try await RedisFixture.shared()
        let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        try await ClientFixture.with(fixture.url) { client async throws in
            let meter = RedisRequestMeter(client, settings: settings, clock: ManualClock())
            let key = "{\(settings.prefix)}:meter:a"
            for damage in ["", "nonsense", "1e999 nan", "5"] {
                _ = try await client.send(RedisCommand("SET", key, damage))
                #expect(try await meter.take(from: "a", RateLimit(perSecond: 1, burst: 3)).remaining == 2)
            }
            let left = try await client.send(RedisCommand("PTTL", key)).integer ?? 0
            #expect((1...601_000).contains(left))
        }
    }
}
