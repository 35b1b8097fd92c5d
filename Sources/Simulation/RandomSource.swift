import Foundation

/// A source of random numbers that gives the same numbers for the same seed, everywhere and for ever.
///
/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), whose state is filled by
/// SplitMix64 as its authors advise.
package struct RandomSource: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var seed = seed
        state = (Self.split(&seed), Self.split(&seed), Self.split(&seed), Self.split(&seed))
    }

    package mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, 45)
        return result
    }

    /// A number of [0, 1), all multiples of 2⁻⁵³ being as likely.
    package mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number of 0 ..< `bound`; 0 for a bound of 0.
    package mutating func index(below bound: Int) -> Int {
        bound > 1 ? Int(next().multipliedFullWidth(by: UInt64(bound)).high) : 0
    }

    /// The time until the next event of a Poisson process.
    ///
    /// - Parameter rate: events a second; above 0.
    /// - Returns: seconds.
    package mutating func exponential(rate: Double) -> Double {
        -log(1 - uniform()) / rate
    }

    /// A number of a normal distribution around 0 with a deviation of 1 (Box and Muller, 1958).
    package mutating func normal() -> Double {
        (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// The time that so many events of a Poisson process take: a number of a gamma distribution.
    ///
    /// Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
    ///
    /// - Parameters:
    ///   - count: of the events; at least 1.
    ///   - rate: events a second; above 0.
    /// - Returns: seconds.
    package mutating func time(of count: Double, rate: Double) -> Double {
        guard count > 1 else { return exponential(rate: rate) }
        let centre = count - 1.0 / 3
        let spread = 1 / (9 * centre).squareRoot()
        while true {
            let deviation = normal()
            let root = 1 + spread * deviation
            guard root > 0 else { continue }
            let cube = root * root * root
            let limit = deviation * deviation / 2 + centre * (1 - cube + log(cube))
            if log(1 - uniform()) < limit { return centre * cube / rate }
        }
    }

    /// How often something happens before it first fails.
    ///
    /// - Parameter share: how likely it is each time; above 0, and where it is 1 nothing fails in any time that matters.
    /// - Returns: a number of a geometric distribution.
    package mutating func successes(share: Double) -> Double {
        let number = uniform()
        return share < 1 ? (log(1 - number) / log(share)).rounded(.down) : 1e15
    }

    /// A number that depends on another one only, and looks random: one step of SplitMix64.
    static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        return split(&value)
    }

    private static func split(_ seed: inout UInt64) -> UInt64 {
        seed &+= 0x9E37_79B9_7F4A_7C15
        var word = seed
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
        (word << count) | (word >> (64 - count))
    }
}
