/// What becomes of a batch of spans after a try to send it.
package struct OTLPDeliveryPolicy: Sendable {
    /// How a try went.
    package enum Answer: Sendable, Equatable {
        case status(Int, retryAfter: Duration?)
        /// There was no answer: no connection, or no time.
        case none
    }

    package enum Decision: Sendable, Equatable {
        case sent
        case retry(after: Duration)
        /// Not taken, and no use to try again.
        case drop
    }

    let delays: [Duration]
    let maxRetryAfter: Duration

    package init(delays: [Duration], maxRetryAfter: Duration) {
        self.delays = delays
        self.maxRetryAfter = maxRetryAfter
    }

    /// - Parameters:
    ///   - answer: of the collector.
    ///   - attempts: how often the batch was sent, this time included.
    /// - Returns: what to do.
    package func decision(after answer: Answer, attempts: Int) -> Decision {
        switch answer {
        case .status(200..<300, _): .sent
        case .status(429, let wish), .status(500..<600, let wish): again(attempts, wish)
        case .status: .drop
        case .none: again(attempts, nil)
        }
    }

    private func again(_ attempts: Int, _ wish: Duration?) -> Decision {
        guard delays.indices.contains(attempts - 1) else { return .drop }
        return .retry(after: max(delays[attempts - 1], min(wish ?? .zero, maxRetryAfter)))
    }
}
