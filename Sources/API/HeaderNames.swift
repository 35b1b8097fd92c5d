import HTTPTypes

extension HTTPField.Name {
    static let requestID = ours("X-Request-ID")
    static let idempotencyKey = ours("Idempotency-Key")
    static let idempotencyReplayed = ours("Idempotency-Replayed")
    static let lastEventID = ours("Last-Event-ID")
    static let prefer = ours("Prefer")
    static let preferenceApplied = ours("Preference-Applied")
    static let accelBuffering = ours("X-Accel-Buffering")
    static let frameOptions = ours("X-Frame-Options")
    static let referrerPolicy = ours("Referrer-Policy")
    static let host = ours("Host")
    static let traceParent = ours("traceparent")
    static let traceState = ours("tracestate")
    static let rateLimit = ours("RateLimit")
    static let rateLimitPolicy = ours("RateLimit-Policy")
    /// What clients of the OpenAI API look for.
    static let openAIPollAfter = ours("openai-poll-after-ms")
    static let shouldRetry = ours("x-should-retry")
    static let stainlessRetryCount = ours("x-stainless-retry-count")

    private static func ours(_ literal: String) -> HTTPField.Name {
        // Only the literals above come here: a wrong one is our own mistake and shows in the first test.
        guard let name = HTTPField.Name(literal) else {
            preconditionFailure("A header name in this file is not a token")
        }
        return name
    }
}
