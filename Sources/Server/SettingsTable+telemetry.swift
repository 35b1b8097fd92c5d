import Telemetry

/// What the server tells of itself, and to whom.
extension SettingsTable {
    static let telemetry: [Setting] = [
        .optionalOrigin(
            "tracing.endpoint",
            \.tracing.endpoint,
            "An OpenTelemetry collector that takes OTLP over HTTP, as in http://127.0.0.1:4318; spans go to /v1/traces under it. Nothing: no spans are made."
        ),
        .values(
            "tracing.headers",
            \.tracing.headers,
            accepts: "list of name=value, or nothing",
            isSecret: true,
            "Sent to the collector with every request, as in authorization=Bearer abc.",
            parse: { OTLPHeader($0) }
        ),
        .number(
            "tracing.sampleRatio",
            \.tracing.sampleRatio,
            0...1,
            "The share of traces that are recorded of those that begin here; a client's own traceparent decides for itself."
        ),
        .text("tracing.serviceName", \.tracing.serviceName, "What the server is called in traces."),
    ]
}
