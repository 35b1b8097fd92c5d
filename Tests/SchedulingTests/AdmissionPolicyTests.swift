import Testing

@testable import Scheduling

@Suite("Scheduling: admission")
struct AdmissionPolicyTests {
    @Test("What fits both bounds is accepted, also if nothing is known of the wait")
    func accepted() {
        let policy = AdmissionPolicy(maxWaiting: 10, maxWait: .seconds(60))
        #expect(policy.decide(count: 9, predictedWait: 60) == .accept)
        #expect(policy.decide(count: 0, predictedWait: nil) == .accept)
        #expect(policy.decide(count: 0, predictedWait: .nan) == .accept)
        #expect(AdmissionPolicy(maxWaiting: 10).decide(count: 9, predictedWait: 1e9) == .accept)
    }

    @Test("Beyond the number that may wait it comes again when a place is predicted to be free")
    func full() {
        let policy = AdmissionPolicy(maxWaiting: 10)
        let refusal = policy.decide(count: 10, predictedWait: 300)
        #expect(refusal == .refuse(code: .queueFull, retryAfter: .seconds(30)))
        #expect(policy.decide(count: 10, predictedWait: nil) == .refuse(code: .queueFull, retryAfter: .seconds(1)))
        #expect(AdmissionPolicy(maxWaiting: 0).decide(count: 0, predictedWait: 0) != .accept)
    }

    @Test("Beyond the wait it comes again when that is predicted to be short enough, in an hour at most")
    func long() {
        let policy = AdmissionPolicy(maxWaiting: 10, maxWait: .seconds(60))
        #expect(policy.decide(count: 5, predictedWait: 100.2) == .refuse(code: .waitTooLong, retryAfter: .seconds(41)))
        #expect(policy.decide(count: 5, predictedWait: 60.001) == .refuse(code: .waitTooLong, retryAfter: .seconds(1)))
        #expect(policy.decide(count: 5, predictedWait: 1e12) == .refuse(code: .waitTooLong, retryAfter: .seconds(3600)))
        #expect(policy.decide(count: 5, predictedWait: .infinity) == .accept)
    }
}
