/// Where traces go, and the bounds of sending them.
package struct OTLPSettings: Sendable, Equatable {
    /// The beginning of the collector's address; spans go to `/v1/traces` under it.
    package var endpoint: String
    /// Sent with every request.
    package var headers: [OTLPHeader]
    /// `service.name`.
    package var serviceName: String
    /// Spans that may wait.
    package var maxWaiting: Int
    /// Spans in one request.
    package var batchSize: Int
    /// The longest that a span waits while nothing goes wrong.
    package var interval: Duration
    /// For one request.
    package var timeout: Duration
    /// Before the second try of a batch, the third, and so on; then it is dropped.
    package var delays: [Duration]
    /// The longest that a collector may ask us to wait.
    package var maxRetryAfter: Duration
    /// For what still waits at shutdown.
    package var shutdownGrace: Duration

    package init(
        endpoint: String,
        headers: [OTLPHeader] = [],
        serviceName: String = "animato",
        maxWaiting: Int = 8192,
        batchSize: Int = 512,
        interval: Duration = .seconds(1),
        timeout: Duration = .seconds(10),
        delays: [Duration] = [1, 2, 5, 10].map { .seconds($0) },
        maxRetryAfter: Duration = .seconds(60),
        shutdownGrace: Duration = .seconds(5)
    ) {
        self.endpoint = endpoint
        self.headers = headers
        self.serviceName = serviceName
        self.maxWaiting = maxWaiting
        self.batchSize = batchSize
        self.interval = interval
        self.timeout = timeout
        self.delays = delays
        self.maxRetryAfter = maxRetryAfter
        self.shutdownGrace = shutdownGrace
    }
}

/// A header field for the collector, `authorization=Bearer abc`.
package struct OTLPHeader: Sendable, Equatable {
    package let name: String
    package let value: String

    /// Reads the form of settings: a token, an equals sign, and visible characters or spaces; `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
            parts[0].utf8.allSatisfy({ Self.isToken($0) }),
            parts[1].utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        name = parts[0].lowercased()
        value = String(parts[1])
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default:
            false
        }
    }
}
