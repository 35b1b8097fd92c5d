import Foundation
import Synchronization

/// A moment of wall time, in whole milliseconds since 1970-01-01T00:00:00Z; what records hold.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func < (lhs: Timestamp, rhs: Timestamp) -> Bool {
        lhs.milliseconds < rhs.milliseconds
    }

    /// This moment moved by a duration, rounded down to the millisecond.
    package func advanced(by duration: Duration) -> Timestamp {
        Timestamp(milliseconds: milliseconds + duration.wholeMilliseconds)
    }

    /// The time from this moment until a later one; negative if it is earlier.
    package func duration(to other: Timestamp) -> Duration {
        .milliseconds(other.milliseconds - milliseconds)
    }
}

extension Timestamp {
    private static let millisecondsInDay: Int64 = 86_400_000

    /// The day of UTC, counted from 1970.
    package var day: Int64 { (milliseconds - milliseconds.modulo(Self.millisecondsInDay)) / Self.millisecondsInDay }

    /// When the next day of UTC begins.
    package var nextDay: Timestamp { Timestamp(milliseconds: (day + 1) * Self.millisecondsInDay) }
}

extension Int64 {
    /// The remainder that is never negative.
    fileprivate func modulo(_ divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }
}

extension Duration {
    /// This duration in milliseconds, fractions dropped.
    package var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// This duration in seconds.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

/// Wall time for records, monotonic time for durations, and a sleep that follows the latter; one value for all three.
package protocol ServiceClock: Sendable {
    /// The time of day. May jump.
    func wallTime() -> Timestamp

    /// The time since some fixed moment of this process. Never goes back.
    func monotonicTime() -> Duration

    /// Waits. Throws `CancellationError` if the task is cancelled first.
    func sleep(for duration: Duration) async throws
}

/// The clocks of the machine.
package struct SystemClock: ServiceClock {
    private let start = ContinuousClock.now

    package init() {}

    package func wallTime() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func monotonicTime() -> Duration {
        ContinuousClock.now - start
    }

    package func sleep(for duration: Duration) async throws {
        try await ContinuousClock().sleep(for: duration)
    }
}
