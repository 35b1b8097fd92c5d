/// The bounds of sending callbacks.
package struct WebhookSettings: Sendable, Equatable {
    /// Deliveries under way at the same time.
    package var concurrency: Int
    /// Of these, to one receiver.
    package var receiverConcurrency: Int
    /// For resolving the name and connecting.
    package var connectTimeout: Duration
    /// For a whole attempt, until the head of the answer.
    package var timeout: Duration
    /// How long attempts may go on at shutdown.
    package var shutdownGrace: Duration
    /// Before the second attempt, the third, and so on.
    package var delays: [Duration]
    /// Longest time without a look into the outbox; a delivery that becomes due again waits no longer than this.
    package var longestPause: Duration

    package init(
        concurrency: Int = 64,
        receiverConcurrency: Int = 8,
        connectTimeout: Duration = .seconds(5),
        timeout: Duration = .seconds(15),
        shutdownGrace: Duration = .seconds(3),
        delays: [Duration] = [5, 30, 120, 600, 3600, 21_600, 86_400].map { .seconds($0) },
        longestPause: Duration = .seconds(1)
    ) {
        self.concurrency = concurrency
        self.receiverConcurrency = receiverConcurrency
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.shutdownGrace = shutdownGrace
        self.delays = delays
        self.longestPause = longestPause
    }
}
