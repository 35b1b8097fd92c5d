/// So many requests a second, and so many at once after a pause.
package struct RateLimit: Sendable, Hashable {
    /// Above 0.
    package var perSecond: Double
    /// At least 1.
    package var burst: Int

    package init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

/// Counts requests against limits, for all replicas together.
///
/// `RequestMeterConformance` in the test support is the precise form of this contract.
package protocol RequestMeter: Sendable {
    /// Takes one request's place from a bucket, if there is one.
    ///
    /// - Parameters:
    ///   - bucket: whose it is; a bucket that was not used for as long as it takes to fill is full.
    ///   - limit: as it is now; a changed limit counts from now on.
    /// - Returns: whether the request may pass.
    /// - Throws: `unavailable`, `overloaded`.
    func take(from bucket: String, _ limit: RateLimit) async throws(TaskStoreError) -> RateDecision
}

/// Whether a request may pass, and what is left.
package struct RateDecision: Sendable, Equatable {
    package var isAllowed: Bool
    /// Requests that may follow at once.
    package var remaining: Int
    /// Until one more may follow; zero if one may now.
    package var retryAfter: Duration

    package init(isAllowed: Bool, remaining: Int, retryAfter: Duration) {
        self.isAllowed = isAllowed
        self.remaining = remaining
        self.retryAfter = retryAfter
    }
}

/// A bucket that fills by time and is emptied by requests.
///
/// Pure; the rule for every meter.
package struct TokenBucket: Sendable, Equatable {
    /// At most the burst.
    package private(set) var tokens: Double
    /// Seconds on the caller's clock.
    package private(set) var filledAt: Double

    /// A full bucket.
    package init(_ limit: RateLimit, at now: Double) {
        tokens = Double(limit.burst)
        filledAt = now
    }

    /// When it is full again if nobody takes anything, on the caller's clock.
    package func fullAt(_ limit: RateLimit) -> Double {
        filledAt + max(0, Double(limit.burst) - tokens) / limit.perSecond
    }

    /// Takes one token, if there is one.
    ///
    /// - Parameters:
    ///   - limit: how fast it fills, and how far.
    ///   - now: a moment before one that was seen counts as that one.
    /// - Returns: whether there was one.
    package mutating func take(_ limit: RateLimit, at now: Double) -> RateDecision {
        let passed = max(0, now - filledAt)
        filledAt = max(filledAt, now)
        tokens = min(Double(limit.burst), tokens + passed * limit.perSecond)
        let isAllowed = tokens >= 1
        if isAllowed { tokens -= 1 }
        let missing = max(0, 1 - tokens) / limit.perSecond
        return RateDecision(
            isAllowed: isAllowed,
            remaining: Int(tokens.rounded(.down)),
            retryAfter: .seconds(min(missing, 86_400))
        )
    }
}
