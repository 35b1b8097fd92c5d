import Tasks
import Testing

@testable import Webhooks

struct DeliveryPolicyTests {
    private let policy = DeliveryPolicy(delays: WebhookSettings().delays)

    private func delay(_ attempt: DeliveryPolicy.Attempt, after attempts: Int, random: Double = 0.5) -> Duration? {
        guard case .retry(let delay, _, _) = policy.outcome(of: attempt, attempts: attempts, random: random) else {
            return nil
        }
        return delay
    }

    @Test("The delays are those that are promised, and then the delivery is dead")
    func delays() {
        let seconds = (1...8).map { delay(.failed(.timeout), after: $0) }
        #expect(seconds == [5, 30, 120, 600, 3600, 21_600, 86_400].map { .seconds($0) } + [nil])
        let failure = DeliveryError.timeout.failure
        #expect(policy.outcome(of: .failed(.timeout), attempts: 8, random: 0) == .dead(response: nil, failure))
        #expect(delay(.failed(.unreachable), after: 1, random: 0) == .seconds(4.5))
        #expect(delay(.failed(.unreachable), after: 1, random: 1) == .seconds(5.5))
    }

    @Test("Every 2xx is a success", arguments: [200, 201, 202, 204, 299])
    func delivered(_ status: Int) {
        let attempt = DeliveryPolicy.Attempt.answered(status: status, retryAfter: nil)
        #expect(policy.outcome(of: attempt, attempts: 3, random: 0) == .delivered(response: status))
    }

    @Test("Everything else is tried again", arguments: [100, 199, 300, 301, 307, 400, 401, 404, 429, 500, 503, 599])
    func retried(_ status: Int) {
        #expect(delay(.answered(status: status, retryAfter: nil), after: 1) == .seconds(5))
    }

    @Test("A receiver that is gone, or must not be called, is not called again")
    func dead() {
        for attempt in [DeliveryPolicy.Attempt.answered(status: 410, retryAfter: nil), .failed(.addressForbidden)] {
            guard case .dead = policy.outcome(of: attempt, attempts: 1, random: 0) else {
                Issue.record("\(attempt) is not the end")
                continue
            }
        }
    }

    @Test("A receiver that is busy says when to come again, within bounds")
    func retryAfter() {
        #expect(delay(.answered(status: 429, retryAfter: .seconds(60)), after: 1) == .seconds(60))
        #expect(delay(.answered(status: 503, retryAfter: .seconds(1)), after: 1) == .seconds(5))
        #expect(delay(.answered(status: 500, retryAfter: .seconds(60)), after: 1) == .seconds(5))
        #expect(delay(.answered(status: 503, retryAfter: .seconds(Int64.max / 2)), after: 1) == .seconds(86_400))
    }
}
