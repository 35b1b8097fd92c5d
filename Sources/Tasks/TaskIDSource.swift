import Foundation
import Synchronization

/// Makes task ids that sort by the order in which they were made, also within one millisecond.
///
/// UUID version 7, RFC 9562 section 5.7, with the counter of section 6.2 method 1 in the 12 bits after the version.
package final class TaskIDSource: Sendable {
    private struct State {
        var milliseconds: Int64 = 0
        var counter: UInt16 = 0
    }

    private let state = Mutex(State())
    private let clock: any ServiceClock

    package init(clock: any ServiceClock) {
        self.clock = clock
    }

    /// The next id.
    ///
    /// Never repeats and never sorts before an earlier one of this source, even if the wall clock goes back.
    package func next() -> TaskID {
        let now = clock.wallTime().milliseconds
        let (milliseconds, counter) = state.withLock { state in
            if now > state.milliseconds {
                state.milliseconds = now
                state.counter = 0
            } else if state.counter == 0xFFF {
                state.milliseconds += 1
                state.counter = 0
            } else {
                state.counter += 1
            }
            return (UInt64(bitPattern: state.milliseconds), state.counter)
        }
        let random = UInt64.random(in: 0...UInt64.max)
        let high = (milliseconds << 16) | 0x7000 | UInt64(counter)
        let low = (random & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        return TaskID(
            uuid: UUID(
                uuid: (
                    byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
                    byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                    byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                    byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
                )
            )
        )
    }
}
