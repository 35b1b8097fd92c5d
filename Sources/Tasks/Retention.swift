/// How long what is over is kept; `nil` is for ever.
package struct Retention: Sendable, Equatable {
    /// Tasks, from their end.
    package var tasks: Duration?
    /// Events, from when they happened.
    package var events: Duration?
    /// Deliveries, from their end.
    package var deliveries: Duration?
    /// Idempotency keys, from their first use.
    package var idempotencyKeys: Duration?

    package init(
        tasks: Duration? = .seconds(30 * 86_400),
        events: Duration? = .seconds(7 * 86_400),
        deliveries: Duration? = .seconds(7 * 86_400),
        idempotencyKeys: Duration? = .seconds(86_400)
    ) {
        self.tasks = tasks
        self.events = events
        self.deliveries = deliveries
        self.idempotencyKeys = idempotencyKeys
    }
}

/// What the store knows of a video that some generation made.
package struct VideoRecord: Sendable, Equatable {
    /// When the video was let go; `nil` while a generation counts on it.
    package var expiredAt: Timestamp?

    package init(expiredAt: Timestamp?) {
        self.expiredAt = expiredAt
    }
}
