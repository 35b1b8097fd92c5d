/// About how often each of very many things was seen lately, in 32 KiB.
///
/// A count–min sketch of 4-bit counters: it may say more than is true, never less. All counts are halved from time to
/// time, so that what was popular once does not stay so.
struct FrequencySketch: Sendable {
    private static let rows = 4
    /// Counters in a row.
    private static let width = 1 << 14
    private static let maximum: UInt8 = 15
    /// Sightings between two halvings.
    static let period = 8 * width

    /// Two counters a byte, row after row.
    private var counters = [UInt8](repeating: 0, count: rows * width / 2)
    private var sightings = 0

    /// Counts a sighting.
    ///
    /// - Parameter hash: evenly distributed in all its bits; its quarters choose the counters.
    mutating func see(_ hash: UInt64) {
        let lowest = frequency(of: hash)
        if lowest < Self.maximum {
            // Only the lowest counters rise: the others are that high for the sake of other things already.
            for row in 0..<Self.rows where counter(row, hash) == lowest {
                let place = place(row, hash)
                counters[place.byte] += 1 << place.shift
            }
        }
        sightings += 1
        if sightings == Self.period { age() }
    }

    /// 0 to 15.
    func frequency(of hash: UInt64) -> UInt8 {
        (0..<Self.rows).reduce(Self.maximum) { min($0, counter($1, hash)) }
    }

    private func counter(_ row: Int, _ hash: UInt64) -> UInt8 {
        let place = place(row, hash)
        return counters[place.byte] >> place.shift & 0xF
    }

    private func place(_ row: Int, _ hash: UInt64) -> (byte: Int, shift: UInt8) {
        let column = Int(truncatingIfNeeded: hash >> UInt64(16 * row)) & (Self.width - 1)
        return (byte: (row * Self.width + column) / 2, shift: column & 1 == 0 ? 0 : 4)
    }

    private mutating func age() {
        for index in counters.indices {
            counters[index] = counters[index] >> 1 & 0x77
        }
        sightings = 0
    }
}
