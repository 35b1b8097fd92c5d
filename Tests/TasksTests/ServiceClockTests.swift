import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Clocks")
struct ServiceClockTests {
    @Test("Sleepers wake in the order of their times")
    func order() async throws {
        let clock = ManualClock()
        let order = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    order.continuation.yield(seconds)
                }
            }
            await clock.waitForSleepers(3)
            var woken: [Int] = []
            var iterator = order.stream.makeAsyncIterator()
            for _ in 0..<3 {
                clock.advance(by: .seconds(1))
                if let next = await iterator.next() { woken.append(next) }
            }
            #expect(woken == [1, 2, 3])
            try await group.waitForAll()
        }
    }

    @Test("A cancelled sleep throws", arguments: [true, false])
    func cancelledSleep(isManual: Bool) async throws {
        let manual = ManualClock()
        let clock: any ServiceClock = isManual ? manual : SystemClock()
        await withTaskGroup { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await clock.sleep(for: .seconds(3600)) }
            }
            if isManual { await manual.waitForSleepers(1) }
            group.cancelAll()
        }
    }

    @Test("The system clock tells the time, and its durations never go back")
    func system() {
        let clock = SystemClock()
        let difference = clock.wallTime().duration(
            to: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        #expect(abs(difference.inSeconds) < 5)
        let first = clock.monotonicTime()
        #expect(clock.monotonicTime() >= first)
    }

    @Test("A moment moves by whole milliseconds")
    func timestamps() {
        let moment = Timestamp(milliseconds: 1000)
        #expect(moment.advanced(by: .milliseconds(1500)) == Timestamp(milliseconds: 2500))
        #expect(moment.duration(to: Timestamp(milliseconds: 250)) == .milliseconds(-750))
        #expect(Duration.milliseconds(1500).inSeconds == 1.5)
    }
}
