import Tasks
import Testing

@Suite("Retries")
struct RetryPolicyTests {
    private let policy = RetryPolicy(maxFailures: 5, baseDelay: .seconds(1), maxDelay: .seconds(6), jitter: 0.5)

    @Test("The delay doubles up to its cap", arguments: zip([1, 2, 3, 4], [1, 2, 4, 6]))
    func delay(failures: Int, seconds: Int) {
        #expect(policy.decision(afterFailures: failures, random: 0) == .retry(after: .seconds(seconds)))
    }

    @Test("Jitter only shortens, and by no more than its part")
    func jitter() {
        #expect(policy.decision(afterFailures: 2, random: 1) == .retry(after: .seconds(1)))
        #expect(policy.decision(afterFailures: 2, random: 99) == .retry(after: .seconds(1)))
    }

    @Test("After the last failure it gives up", arguments: [5, 6, Int.max])
    func giveUp(failures: Int) {
        #expect(policy.decision(afterFailures: failures, random: 0) == .giveUp)
    }

    @Test("Any number of failures gives a delay")
    func extremes() {
        let patient = RetryPolicy(maxFailures: .max)
        #expect(patient.decision(afterFailures: .max - 1, random: 0) == .retry(after: .seconds(60)))
        #expect(patient.decision(afterFailures: -3, random: 0) == .retry(after: .seconds(1)))
    }
}
