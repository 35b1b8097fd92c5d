import HTTPTypes

/// Which pages of other origins may use the API from a browser: CORS, as the Fetch standard has it.
///
/// Credentials that a browser keeps are never allowed: there are none that this server would heed.
struct CrossOrigin: Equatable {
    /// Every origin may.
    static let everybody = "*"
    /// How long a browser may remember what it was told, in seconds.
    private static let maxAge = "600"
    private static let requestHeaders =
        "Authorization, Content-Type, Idempotency-Key, Prefer, Last-Event-ID, X-Request-ID, Range, If-Match, "
        + "If-None-Match, If-Range, traceparent, tracestate"
    private static let responseHeaders =
        "Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-ID, Idempotency-Replayed, "
        + "Preference-Applied, Content-Disposition, Content-Range, Accept-Ranges, ETag, WWW-Authenticate"

    private let origins: Set<String>

    /// - Parameter origins: as browsers spell them, or `*`; `nil` for none at all.
    init?(_ origins: [String]) {
        guard !origins.isEmpty else { return nil }
        self.origins = Set(origins)
    }

    /// Answers a browser that asks what it may do; `nil` for any other request, which is answered as usual.
    ///
    /// - Parameters:
    ///   - request: whose method and headers count.
    ///   - route: what is at its path; what is nowhere is answered as usual.
    /// - Returns: the header fields of an answer without a body, those of `mark` excepted.
    func preflight(_ request: HTTPRequest, _ route: Route?) -> HTTPFields? {
        guard request.method == .options, let route, isAllowed(request.headerFields[.origin]) != nil,
            request.headerFields[.accessControlRequestMethod] != nil
        else { return nil }
        return [
            .accessControlAllowMethods: route.methods.map(\.rawValue).joined(separator: ", "),
            .accessControlAllowHeaders: Self.requestHeaders,
            .accessControlMaxAge: Self.maxAge,
        ]
    }

    /// Says in an answer whether the page that asked may see it.
    func mark(_ headers: inout HTTPFields, for origin: String?) {
        headers.append(HTTPField(name: .vary, value: "Origin"))
        guard let allowed = isAllowed(origin) else { return }
        headers[.accessControlAllowOrigin] = allowed
        headers[.accessControlExposeHeaders] = Self.responseHeaders
    }

    /// What is said of an origin that may; `nil` for one that may not, and where there is none.
    private func isAllowed(_ origin: String?) -> String? {
        guard let origin else { return nil }
        if origins.contains(Self.everybody) { return Self.everybody }
        return origins.contains(origin) ? origin : nil
    }
}
