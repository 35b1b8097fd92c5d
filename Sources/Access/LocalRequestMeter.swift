import Synchronization
package import Tasks

/// Counts the requests of one process.
///
/// What it holds is bounded: buckets that are full again are forgotten, and if that is not enough, those that are soonest
/// full.
package final class LocalRequestMeter: RequestMeter {
    private struct Bucket {
        var tokens: TokenBucket
        var limit: RateLimit

        var fullAt: Double { tokens.fullAt(limit) }
    }

    private let buckets = Mutex<[String: Bucket]>([:])
    private let clock: any ServiceClock
    private let capacity: Int

    /// - Parameters:
    ///   - clock: monotonic time counts.
    ///   - capacity: buckets held at most.
    package init(clock: any ServiceClock, capacity: Int = 20_000) {
        self.clock = clock
        self.capacity = max(2, capacity)
    }

    /// Never throws.
    package func take(from bucket: String, _ limit: RateLimit) async throws(TaskStoreError) -> RateDecision {
        let now = clock.monotonicTime().inSeconds
        return buckets.withLock { buckets in
            if buckets[bucket] == nil, buckets.count >= capacity { Self.forget(&buckets, capacity, at: now) }
            var tokens = buckets[bucket]?.tokens ?? TokenBucket(limit, at: now)
            let decision = tokens.take(limit, at: now)
            buckets[bucket] = Bucket(tokens: tokens, limit: limit)
            return decision
        }
    }

    /// How many buckets are held.
    package var count: Int { buckets.withLock { $0.count } }

    /// Makes room: at least half, so that it is not needed again at once.
    private static func forget(_ buckets: inout [String: Bucket], _ capacity: Int, at now: Double) {
        buckets = buckets.filter { $0.value.fullAt > now }
        guard buckets.count > capacity / 2 else { return }
        for (name, _) in buckets.sorted(by: { $0.value.fullAt < $1.value.fullAt }).dropLast(capacity / 2) {
            buckets[name] = nil
        }
    }
}
