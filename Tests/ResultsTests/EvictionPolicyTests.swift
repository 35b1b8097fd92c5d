import Results
import Testing

@Suite("Eviction policy")
struct EvictionPolicyTests {
    /// Five videos of 10 bytes, used one second after the other, and others that were used later.
    private func usage(bytes: Int64) throws -> ResultUsage {
        let oldest = try (1...5).map { number in
            let name = try #require(VideoName(String(repeating: "\(number)", count: 64)))
            return KeptVideo(name: name, bytes: 10, lastUsed: Int64(number) * 1000)
        }
        return ResultUsage(videos: 100, bytes: bytes, oldest: oldest)
    }

    @Test("Without bounds nothing goes")
    func unbounded() throws {
        #expect(try EvictionPolicy().victims(of: usage(bytes: .max), now: .max).isEmpty)
    }

    @Test(
        "As many go as the quota asks for, the oldest first", arguments: [(100, 0), (99, 1), (90, 1), (75, 3), (0, 5)])
    func quota(maxBytes: Int64, count: Int) throws {
        let usage = try usage(bytes: 100)
        let victims = EvictionPolicy(maxBytes: maxBytes).victims(of: usage, now: 0)
        #expect(victims == Array(usage.oldest.prefix(count)))
    }

    @Test("What was used longer ago than the age goes", arguments: [(5_999, 0), (6_000, 0), (6_001, 1), (99_999, 5)])
    func age(now: Int64, count: Int) throws {
        let usage = try usage(bytes: 100)
        #expect(EvictionPolicy(maxAge: .seconds(5)).victims(of: usage, now: now) == Array(usage.oldest.prefix(count)))
    }

    @Test("Both bounds count")
    func both() throws {
        let policy = EvictionPolicy(maxBytes: 85, maxAge: .seconds(5))
        #expect(try policy.victims(of: usage(bytes: 100), now: 6_001).count == 2)
        #expect(try policy.victims(of: usage(bytes: 100), now: 8_001).count == 3)
    }

    @Test("A clock that was set back makes nothing old")
    func clock() throws {
        #expect(try EvictionPolicy(maxAge: .zero).victims(of: usage(bytes: 0), now: 0).isEmpty)
    }
}
