import Tasks
import TestSupport
import Testing

@testable import Access

@Suite("The meter of one process")
struct LocalRequestMeterTests {
    private let clock = ManualClock()

    @Test("It shows every behaviour of a meter", arguments: RequestMeterConformance.all)
    func conformance(_ behaviour: RequestMeterConformance) async throws {
        try await behaviour.check { LocalRequestMeter(clock: $0) }
    }

    @Test("What it holds is bounded, and buckets that are not full are the last to be forgotten")
    func bounded() async throws {
        let meter = LocalRequestMeter(clock: clock, capacity: 10)
        let slow = RateLimit(perSecond: 0.001, burst: 2)
        _ = try await meter.take(from: "kept", slow)
        _ = try await meter.take(from: "kept", slow)
        for number in 0..<1000 {
            _ = try await meter.take(from: "\(number)", RateLimit(perSecond: 1, burst: 5))
            #expect(meter.count <= 10)
        }
        #expect(try await !meter.take(from: "kept", slow).isAllowed)
    }

    @Test("A bucket that is full again is forgotten when room is needed")
    func full() async throws {
        let meter = LocalRequestMeter(clock: clock, capacity: 4)
        let limit = RateLimit(perSecond: 1, burst: 1)
        for number in 0..<4 { _ = try await meter.take(from: "\(number)", limit) }
        clock.advance(by: .seconds(2))
        #expect(try await meter.take(from: "new", limit).isAllowed)
        #expect(meter.count == 1)
    }

    @Test("A changed limit counts from now on")
    func changed() async throws {
        let meter = LocalRequestMeter(clock: clock)
        #expect(try await meter.take(from: "a", RateLimit(perSecond: 1, burst: 10)).remaining == 9)
        #expect(try await meter.take(from: "a", RateLimit(perSecond: 1, burst: 2)).remaining == 1)
    }
}
