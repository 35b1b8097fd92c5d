import Tasks
import TestSupport
import Testing

@Suite("Token buckets")
struct TokenBucketTests {
    @Test("After a pause as many pass as the burst, and then one for each that is filled in")
    func burst() {
        let limit = RateLimit(perSecond: 2, burst: 3)
        var bucket = TokenBucket(limit, at: 100)
        let first = (0..<4).map { _ in bucket.take(limit, at: 100) }
        #expect(first.map(\.isAllowed) == [true, true, true, false])
        #expect(first.map(\.remaining) == [2, 1, 0, 0])
        #expect(first.map(\.retryAfter) == [.zero, .zero, .seconds(0.5), .seconds(0.5)])
        #expect(!bucket.take(limit, at: 100.25).isAllowed)
        #expect(bucket.take(limit, at: 100.25).retryAfter == .seconds(0.25))
        #expect(bucket.take(limit, at: 100.5).isAllowed)
        #expect(!bucket.take(limit, at: 100.5).isAllowed)
    }

    @Test("A pause fills it to the burst and no further")
    func fullness() {
        let limit = RateLimit(perSecond: 10, burst: 5)
        var bucket = TokenBucket(limit, at: 0)
        for _ in 0..<5 { _ = bucket.take(limit, at: 0) }
        #expect(bucket.fullAt(limit) == 0.5)
        #expect(bucket.take(limit, at: 1_000_000).remaining == 4)
        #expect(bucket.fullAt(limit) == 1_000_000.1)
    }

    @Test("What is refused costs nothing")
    func refusals() {
        let limit = RateLimit(perSecond: 1, burst: 1)
        var bucket = TokenBucket(limit, at: 0)
        _ = bucket.take(limit, at: 0)
        for step in 1..<100 { #expect(!bucket.take(limit, at: Double(step) / 100).isAllowed) }
        #expect(bucket.take(limit, at: 1).isAllowed)
    }

    @Test("A clock that goes back gives nothing and takes nothing")
    func backwards() {
        let limit = RateLimit(perSecond: 1, burst: 2)
        var bucket = TokenBucket(limit, at: 10)
        _ = bucket.take(limit, at: 10)
        #expect(bucket.take(limit, at: 0).isAllowed)
        #expect(!bucket.take(limit, at: 5).isAllowed)
        #expect(!bucket.take(limit, at: 10).isAllowed)
        #expect(bucket.take(limit, at: 11).isAllowed)
    }

    @Test("A limit that has changed counts from then on")
    func changes() {
        let (wide, narrow) = (RateLimit(perSecond: 1, burst: 100), RateLimit(perSecond: 1, burst: 2))
        var bucket = TokenBucket(wide, at: 0)
        #expect(bucket.take(narrow, at: 0).remaining == 1)
        #expect(bucket.take(narrow, at: 0).isAllowed)
        #expect(!bucket.take(narrow, at: 0).isAllowed)
        // A wider one is filled in time, not at once.
        #expect(!bucket.take(wide, at: 0).isAllowed)
        #expect(bucket.take(wide, at: 50).remaining == 49)
    }

    @Test("However slowly it fills, nobody is told to wait for longer than a day")
    func slow() {
        let limit = RateLimit(perSecond: 1e-9, burst: 1)
        var bucket = TokenBucket(limit, at: 0)
        #expect(bucket.take(limit, at: 0).isAllowed)
        #expect(bucket.take(limit, at: 1).retryAfter == .seconds(86_400))
    }

    @Test("Over any time no more pass than the burst and what was filled in", arguments: [0.5, 3, 1000])
    func bound(rate: Double) {
        let limit = RateLimit(perSecond: rate, burst: 7)
        var bucket = TokenBucket(limit, at: 0)
        var random = SeededGenerator(seed: 1)
        var (now, passed) = (0.0, 0)
        for _ in 0..<10_000 {
            now += Double.random(in: 0...2 / rate, using: &random) / 4
            if bucket.take(limit, at: now).isAllowed { passed += 1 }
        }
        #expect(Double(passed) <= 7 + now * rate + 1)
        #expect(Double(passed) >= now * rate - 1)
    }
}
