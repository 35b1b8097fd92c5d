import Metrics

/// What is counted of Celery's tasks.
struct CeleryMetrics: Sendable {
    /// What became of a message.
    enum Outcome: String {
        case accepted
        case delayed
        case duplicate
        case expired
        case refused
        case revoked
        /// Nobody could be told.
        case unreadable
    }

    private let factory: any MetricsFactory
    private let open: Gauge

    init() {
        factory = MetricsSystem.factory
        open = Gauge(label: "animato_celery_open_tasks", factory: factory)
    }

    func message(_ outcome: Outcome) {
        Counter(
            label: "animato_celery_messages_total", dimensions: [("outcome", outcome.rawValue)], factory: factory
        ).increment()
    }

    func recorded(_ state: CeleryRecord.State) {
        Counter(
            label: "animato_celery_records_total", dimensions: [("state", state.rawValue)], factory: factory
        ).increment()
    }

    func open(_ count: Int) {
        open.record(count)
    }
}
