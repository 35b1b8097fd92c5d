/// When a failed attempt is tried again.
///
/// Pure.
package struct RetryPolicy: Sendable, Equatable {
    /// Attempts that may fail before the generation does.
    package var maxFailures: Int
    /// Delay after the first failure; doubles with each further one.
    package var baseDelay: Duration
    package var maxDelay: Duration
    /// Part of the delay that is random, 0 to 1, so that failures that came together do not come back together.
    package var jitter: Double

    package init(
        maxFailures: Int = 3,
        baseDelay: Duration = .seconds(1),
        maxDelay: Duration = .seconds(60),
        jitter: Double = 0.5
    ) {
        self.maxFailures = maxFailures
        self.baseDelay = baseDelay
        self.maxDelay = maxDelay
        self.jitter = jitter
    }

    package enum Decision: Sendable, Equatable {
        case retry(after: Duration)
        case giveUp
    }

    /// What to do after a failure.
    ///
    /// - Parameters:
    ///   - failures: how many attempts have failed, this one included; at least 1.
    ///   - random: a number from 0 to 1.
    /// - Returns: whether to try again, and when.
    package func decision(afterFailures failures: Int, random: Double) -> Decision {
        guard failures < maxFailures else { return .giveUp }
        // 2^30 base delays are beyond any sensible cap; the bound keeps the shift from overflowing.
        let doublings = min(max(failures - 1, 0), 30)
        let delay = min(baseDelay * (1 << doublings), maxDelay)
        return .retry(after: delay * (1 - jitter * min(max(random, 0), 1)))
    }
}
