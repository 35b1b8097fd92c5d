import Tasks

/// Decides what becomes of a delivery after an attempt.
///
/// Pure.
struct DeliveryPolicy: Sendable {
    /// How an attempt went.
    enum Attempt: Sendable, Equatable {
        /// - Parameter retryAfter: what the receiver asked for.
        case answered(status: Int, retryAfter: Duration?)
        case failed(DeliveryError)
    }

    /// The longest wait that a receiver can ask for.
    private static let longestRetryAfter: Duration = .seconds(86_400)

    /// Before the second attempt, the third, and so on; when there is none left the delivery is dead.
    var delays: [Duration]

    /// - Parameters:
    ///   - attempt: how it went.
    ///   - attempts: how many there were, this one included.
    ///   - random: 0 to 1; spreads attempts over a tenth of the delay either way.
    /// - Returns: what to record.
    func outcome(of attempt: Attempt, attempts: Int, random: Double) -> DeliveryOutcome {
        switch attempt {
        case .answered(let status, _) where (200...299).contains(status):
            return .delivered(response: status)
        case .answered(410, _):
            let failure = TaskFailure(code: "callback_gone", message: "The receiver wants no more of this (410).")
            return .dead(response: 410, failure)
        case .answered(let status, let retryAfter):
            let failure = TaskFailure(code: "callback_http_status", message: "The receiver answered \(status).")
            guard let delay = delay(after: attempts, random: random) else { return .dead(response: status, failure) }
            let asked = status == 429 || status == 503 ? retryAfter ?? .zero : .zero
            return .retry(after: max(delay, min(asked, Self.longestRetryAfter)), response: status, failure)
        case .failed(.addressForbidden):
            return .dead(response: nil, DeliveryError.addressForbidden.failure)
        case .failed(let error):
            guard let delay = delay(after: attempts, random: random) else { return .dead(response: nil, error.failure) }
            return .retry(after: delay, response: nil, error.failure)
        }
    }

    private func delay(after attempts: Int, random: Double) -> Duration? {
        guard attempts >= 1, attempts <= delays.count else { return nil }
        return delays[attempts - 1] * (0.9 + 0.2 * random)
    }
}
