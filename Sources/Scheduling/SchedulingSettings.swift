package import Tasks

/// The bounds of admission and dispatch.
package struct SchedulingSettings: Sendable, Equatable {
    /// Generations that may wait.
    package var queueLimit: Int
    /// How long a claim is good for without a renewal.
    package var leaseDuration: Duration
    /// How often progress is written; leases are renewed with it.
    package var progressInterval: Duration
    /// How often expired leases are looked for.
    package var reapInterval: Duration
    /// How long a running generation may go on at shutdown before it is put back.
    package var drainTimeout: Duration
    /// When a failed attempt is tried again.
    package var retries: RetryPolicy

    package init(
        queueLimit: Int = 10_000,
        leaseDuration: Duration = .seconds(30),
        progressInterval: Duration = .milliseconds(500),
        reapInterval: Duration = .seconds(5),
        drainTimeout: Duration = .seconds(5),
        retries: RetryPolicy = RetryPolicy()
    ) {
        self.queueLimit = queueLimit
        self.leaseDuration = leaseDuration
        self.progressInterval = progressInterval
        self.reapInterval = reapInterval
        self.drainTimeout = drainTimeout
        self.retries = retries
    }
}
