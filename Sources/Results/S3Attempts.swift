/// What an answer of an S3-compatible service means for the request.
enum S3Verdict: Sendable, Equatable {
    /// It is the answer, also where that is "there is none" (404) or "it has changed" (412).
    case accepted
    /// The same request may succeed later.
    case tryAgain
    case fails(ResultStoreError)

    /// - Parameters:
    ///   - status: of the answer.
    ///   - code: what the service calls the error, such as `SlowDown`.
    ///   - method: of the request, for the message.
    init(status: UInt, code: String?, method: String) {
        switch status {
        case 200...299, 412:
            self = .accepted
        case 404 where code != "NoSuchBucket":
            self = .accepted
        case 507:
            self = .fails(.full)
        case 408, 429, 500...599:
            self = .tryAgain
        case 400 where code == "RequestTimeout":
            self = .tryAgain
        default:
            let name = code.map { " \($0)" } ?? ""
            self = .fails(.unavailable("the S3 service answers \(status)\(name) to \(method)"))
        }
    }
}

/// How often a request is sent, and how long after the last time.
enum S3Attempts {
    /// The first included.
    static let limit = 5
    private static let firstDelay = 200
    private static let delayLimit = 5_000

    /// Exponential, and between half and all of that, so that many clients do not come back together.
    ///
    /// - Parameters:
    ///   - attempt: how many were made, at least 1.
    ///   - random: 0 to 1.
    /// - Returns: how long to wait.
    static func delay(after attempt: Int, random: Double) -> Duration {
        let whole = min(delayLimit, firstDelay << min(attempt - 1, 16))
        return .milliseconds(Int(Double(whole) * (0.5 + 0.5 * random)))
    }
}
