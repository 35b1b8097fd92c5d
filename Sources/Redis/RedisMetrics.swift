import Metrics

/// What is counted of a client.
struct RedisMetrics: Sendable {
    private let connected: Gauge
    private let inFlight: Gauge
    private let reconnects: Counter
    private let unavailable: Counter
    private let outcomeUnknown: Counter
    private let refused: Counter
    private let overloaded: Counter

    init(client: String) {
        func errors(_ kind: String) -> Counter {
            Counter(label: "animato_redis_errors_total", dimensions: [("client", client), ("kind", kind)])
        }
        connected = Gauge(label: "animato_redis_connected", dimensions: [("client", client)])
        inFlight = Gauge(label: "animato_redis_commands_in_flight", dimensions: [("client", client)])
        reconnects = Counter(label: "animato_redis_reconnects_total", dimensions: [("client", client)])
        unavailable = errors("unavailable")
        outcomeUnknown = errors("outcome_unknown")
        refused = errors("refused")
        overloaded = errors("overloaded")
        connected.record(0)
        inFlight.record(0)
    }

    func isConnected(_ isConnected: Bool) {
        connected.record(isConnected ? 1 : 0)
    }

    func reconnected() {
        reconnects.increment()
    }

    func areInFlight(_ commands: Int) {
        inFlight.record(commands)
    }

    func failed(_ error: RedisError) {
        switch error {
        case .unavailable: unavailable.increment()
        case .outcomeUnknown: outcomeUnknown.increment()
        case .refused(let text): if !text.hasPrefix("NOSCRIPT") { refused.increment() }
        case .overloaded: overloaded.increment()
        }
    }
}
