import Metrics

/// What is counted of deliveries.
struct WebhookMetrics: Sendable {
    private let delivered = Self.attempts("delivered")
    private let retried = Self.attempts("retried")
    private let abandoned = Self.attempts("abandoned")
    private let durations = Metrics.Timer(label: "animato_callback_duration_seconds")
    private let delays = Metrics.Timer(label: "animato_callback_delay_seconds")

    func attempted(for duration: Duration) {
        durations.record(duration: duration)
    }

    /// - Parameter delay: from the event on.
    func delivered(after delay: Duration) {
        delivered.increment()
        delays.record(duration: max(.zero, delay))
    }

    func willTryAgain() {
        retried.increment()
    }

    func gaveUp() {
        abandoned.increment()
    }

    private static func attempts(_ outcome: String) -> Counter {
        Counter(label: "animato_callbacks_total", dimensions: [("outcome", outcome)])
    }
}
