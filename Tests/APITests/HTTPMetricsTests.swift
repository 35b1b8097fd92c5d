import Metrics
import Telemetry
import TestSupport
import Testing

@testable import API

struct HTTPMetricsTests {
    private func shown(_ registry: PrometheusRegistry) async -> String {
        await MetricsPage(registry, collectors: []).text()
    }

    @Test("Requests are counted by what is known of them, and nothing that a client makes up is a label")
    func requests() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(registry) {
            try await withAPI { port in
                for path in ["/healthz", "/made/up?secret=1", "/metrics"] {
                    _ = try await request(port, "GET", path)
                }
                _ = try await request(port, "PROPFIND", "/healthz")
                _ = try await request(port, "POST", "/api/v1/generate", body: "{")
            }
        }
        let text = await shown(registry)
        for line in [
            #"animato_http_requests_total{method="GET",route="/healthz",status="200"} 1"#,
            #"animato_http_requests_total{method="GET",route="/metrics",status="200"} 1"#,
            #"animato_http_requests_total{method="GET",route="none",status="404"} 1"#,
            #"animato_http_requests_total{method="other",route="/healthz",status="405"} 1"#,
            #"animato_http_request_duration_seconds_count{route="/healthz"} 2"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(!text.contains("secret") && !text.contains("PROPFIND") && !text.contains("made/up"))
        #expect(registry.faults == [])
    }

    @Test("A connection is shown for as long as it is open")
    func connections() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(registry) {
            try await withAPI { port in
                let client = try HTTPClientFixture(port: port)
                try await client.send("GET", "/healthz")
                #expect(try await client.response().status == 200)
                #expect(await shown(registry).contains("animato_http_connections 1\n"))
                try await client.send("GET", "/healthz", headers: [("Connection", "close")])
                _ = try await client.readToEnd()
            }
        }
        #expect(await shown(registry).contains("animato_http_connections 0\n"))
    }

    @Test("A request that asks for a wait is counted, and not timed")
    func waits() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(registry) {
            try await withAPI { port in
                _ = try await request(port, "GET", "/api/v1/tasks/unknown?wait=1")
                _ = try await request(port, "GET", "/api/v1/tasks/unknown")
            }
        }
        let text = await shown(registry)
        #expect(text.contains(#"{method="GET",route="/api/v1/tasks/{task_id}",status="404"} 2"#))
        #expect(text.contains(#"animato_http_request_duration_seconds_count{route="/api/v1/tasks/{task_id}"} 1"#))
    }

    @Test("Places of clients that wait are shown while they are taken")
    func streams() async {
        let registry = PrometheusRegistry()
        let places = withMetricsFactory(registry) { StreamPlaces(2, open: HTTPMetrics().streams) }
        var taken = [places.take(), places.take()]
        #expect(places.take() == nil)
        #expect(await shown(registry).contains("animato_http_streams 2\n"))
        taken = []
        #expect(taken.isEmpty)
        #expect(await shown(registry).contains("animato_http_streams 0\n"))
    }
}
