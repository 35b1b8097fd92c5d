package import Tasks
import Testing

/// A meter to be examined, on a clock that stands until a check moves it.
package struct RequestMeterWorld: Sendable {
    package var meter: any RequestMeter
    package var clock: ManualClock

    package init(meter: any RequestMeter, clock: ManualClock) {
        self.meter = meter
        self.clock = clock
    }
}

/// The contract of `RequestMeter` as behaviours; every implementation shows every one.
package struct RequestMeterConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    private let behaviour: @Sendable (RequestMeterWorld) async throws -> Void

    package var testDescription: String { name }

    /// Examines a meter.
    ///
    /// - Parameter make: a new meter that goes by the clock it is given.
    /// - Throws: what the meter does.
    package func check(_ make: (ManualClock) async throws -> any RequestMeter) async throws {
        let clock = ManualClock()
        try await behaviour(RequestMeterWorld(meter: try await make(clock), clock: clock))
    }

    private static let limit = RateLimit(perSecond: 2, burst: 3)

    package static let all: [RequestMeterConformance] = [
        .init(name: "As many pass at once as the burst, then one for each that is filled in") { world in
            let first = try await world.take("a", 5)
            #expect(first == [true, true, true, false, false])
            world.clock.advance(by: .milliseconds(500))
            #expect(try await world.take("a", 2) == [true, false])
            world.clock.advance(by: .seconds(1))
            #expect(try await world.take("a", 3) == [true, true, false])
        },
        .init(name: "It says how many may follow, and when the next one may") { world in
            let first = try await world.meter.take(from: "a", limit)
            #expect(first == RateDecision(isAllowed: true, remaining: 2, retryAfter: .zero))
            _ = try await world.take("a", 2)
            world.clock.advance(by: .milliseconds(100))
            let refused = try await world.meter.take(from: "a", limit)
            #expect(!refused.isAllowed)
            #expect(refused.remaining == 0)
            #expect(abs(refused.retryAfter.inSeconds - 0.4) < 0.01)
        },
        .init(name: "Each bucket is its own") { world in
            _ = try await world.take("a", 5)
            #expect(try await world.take("b", 4) == [true, true, true, false])
        },
        .init(name: "One that was not used for as long as it takes to fill is full") { world in
            _ = try await world.take("a", 5)
            world.clock.advance(by: .milliseconds(1500))
            #expect(try await world.take("a", 4) == [true, true, true, false])
            // However many others were used meanwhile.
            for index in 0..<2000 { _ = try await world.take("other \(index)", 1) }
            world.clock.advance(by: .milliseconds(500))
            for index in 2000..<4000 { _ = try await world.take("other \(index)", 1) }
            #expect(try await world.take("a", 2) == [true, false])
            world.clock.advance(by: .seconds(100_000))
            #expect(try await world.take("a", 4) == [true, true, true, false])
        },
        .init(name: "A limit that has changed counts from then on") { world in
            let narrow = RateLimit(perSecond: 1, burst: 1)
            _ = try await world.take("a", 1)
            #expect(try await world.meter.take(from: "a", narrow).isAllowed)
            #expect(try await !world.meter.take(from: "a", narrow).isAllowed)
            world.clock.advance(by: .milliseconds(500))
            #expect(try await !world.meter.take(from: "a", narrow).isAllowed)
            #expect(try await world.take("a", 1) == [false])
            world.clock.advance(by: .milliseconds(500))
            #expect(try await world.take("a", 2) == [true, false])
        },
        .init(name: "Of many at once just as many pass as may") { world in
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await world.meter.take(from: "a", RateLimit(perSecond: 1, burst: 40)).isAllowed
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 40)
        },
    ]
}

extension RequestMeterWorld {
    /// Takes so often from a bucket of two a second, three at once, and says which passed.
    fileprivate func take(_ bucket: String, _ count: Int) async throws -> [Bool] {
        var passed: [Bool] = []
        for _ in 0..<count {
            passed.append(try await meter.take(from: bucket, RateLimit(perSecond: 2, burst: 3)).isAllowed)
        }
        return passed
    }
}
