import HTTPTypes
import Metrics
import Synchronization
import Tasks

/// What is counted of requests and connections.
final class HTTPMetrics: Sendable {
    /// Of one cell of the count; small and quick to hash.
    private struct Cell: Hashable {
        var method: Method
        /// `nil`: no path that there is.
        var route: Route?
        var status: Int
    }

    private enum Method: String {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
        case options = "OPTIONS"
        case other

        init(_ method: HTTPRequest.Method?) {
            self =
                switch method {
                case .get: .get
                case .head: .head
                case .post: .post
                case .patch: .patch
                case .delete: .delete
                case .options: .options
                default: .other
                }
        }
    }

    private static let noRoute = "none"

    private let factory: any MetricsFactory
    private let durations: [Route: Metrics.Timer]
    private let durationElsewhere: Metrics.Timer
    private let requests = Mutex<[Cell: Counter]>([:])
    private let replays: [TaskPriority: Counter]
    private let connections = Meter(label: "animato_http_connections")
    let streams = Meter(label: "animato_http_streams")

    init() {
        factory = MetricsSystem.factory
        durations = Dictionary(
            uniqueKeysWithValues: Route.allCases.map { ($0, Self.duration($0.rawValue)) }
        )
        durationElsewhere = Self.duration(Self.noRoute)
        replays = Dictionary(
            uniqueKeysWithValues: TaskPriority.allCases.map { priority in
                let labels = [("outcome", "replayed"), ("priority", priority.rawValue)]
                return (priority, Counter(label: "animato_submissions_total", dimensions: labels))
            }
        )
        connections.set(0)
        streams.set(0)
        // Refusals that tell an operator something are there before the first.
        for code in ["queue_full", "wait_too_long", "waiting_limit", "device_seconds_limit", "rate_limited"] {
            rejections(code).increment(by: 0)
        }
    }

    func connectionOpened() { connections.increment() }
    func connectionClosed() { connections.decrement() }

    /// Counts an answered request.
    ///
    /// - Parameters:
    ///   - method: of the request; `nil` if it could not be read.
    ///   - route: of its path; `nil`: there is none.
    ///   - status: of the response.
    ///   - duration: until its head; `nil` if the client has asked for a wait.
    func answered(_ method: HTTPRequest.Method?, _ route: Route?, _ status: Int, after duration: Duration?) {
        let cell = Cell(method: Method(method), route: route, status: status)
        requests.withLock { requests in
            if let known = requests[cell] { return known }
            let made = Counter(
                label: "animato_http_requests_total",
                dimensions: [
                    ("method", cell.method.rawValue), ("route", route?.rawValue ?? Self.noRoute),
                    ("status", "\(status)"),
                ],
                factory: factory
            )
            requests[cell] = made
            return made
        }.increment()
        guard let duration else { return }
        let timer = route.flatMap { durations[$0] } ?? durationElsewhere
        timer.record(duration: duration)
    }

    /// Counts a request for a video that was refused.
    ///
    /// - Parameter code: of the first reason.
    func rejected(_ code: String) {
        rejections(code).increment()
    }

    /// Counts a request that was answered with the task of its first try.
    func replayed(_ priority: TaskPriority) {
        replays[priority]?.increment()
    }

    private func rejections(_ code: String) -> Counter {
        Counter(label: "animato_rejections_total", dimensions: [("code", code)], factory: factory)
    }

    private static func duration(_ route: String) -> Metrics.Timer {
        Metrics.Timer(label: "animato_http_request_duration_seconds", dimensions: [("route", route)])
    }
}
