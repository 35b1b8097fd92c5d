package import Results
package import Tasks

/// How long things are kept, and how much of the tidying one pass does.
package struct RetentionSettings: Sendable, Equatable {
    /// From the end of one pass to the next.
    package var interval: Duration
    package var retention: Retention
    package var eviction: EvictionPolicy
    /// How long the checkpoint of a generation that waits is kept; `nil`: until the generation ends.
    package var checkpoints: Duration?
    /// Rows of each kind that one transaction removes.
    package var purgeBatch: Int
    /// Transactions of a pass.
    package var purgeBatches: Int
    /// Bytes of kept videos that a pass compares with their names; 0 for none.
    package var scrubBytes: Int64
    /// From the start of one round over all kept videos to the next.
    package var scrubPeriod: Duration

    package init(
        interval: Duration = .seconds(60),
        retention: Retention = Retention(),
        eviction: EvictionPolicy = EvictionPolicy(),
        checkpoints: Duration? = .seconds(7 * 86_400),
        purgeBatch: Int = 500,
        purgeBatches: Int = 20,
        scrubBytes: Int64 = 256 << 20,
        scrubPeriod: Duration = .seconds(86_400)
    ) {
        self.interval = interval
        self.retention = retention
        self.eviction = eviction
        self.checkpoints = checkpoints
        self.purgeBatch = purgeBatch
        self.purgeBatches = purgeBatches
        self.scrubBytes = scrubBytes
        self.scrubPeriod = scrubPeriod
    }
}
