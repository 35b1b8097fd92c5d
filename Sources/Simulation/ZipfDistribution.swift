import Foundation

/// Ranks of which the k-th is k^exponent times as rare as the first: how often each of many prompts is asked for.
///
/// Drawn by rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone
/// discrete distributions", 1996): no table, and fewer than two tries a number.
package struct ZipfDistribution: Sendable {
    private let count: Double
    private let exponent: Double
    private let lowest: Double
    private let highest: Double
    /// Up to here the first try is right without a look.
    private let sure: Double

    /// - Parameters:
    ///   - count: how many ranks there are; at least 1.
    ///   - exponent: above 0; 1 is Zipf's own law.
    package init(count: Int, exponent: Double) {
        self.count = Double(count)
        self.exponent = exponent
        lowest = Self.integral(1.5, exponent) - 1
        highest = Self.integral(Double(count) + 0.5, exponent)
        sure = 2 - Self.inverse(Self.integral(2.5, exponent) - pow(2, -exponent), exponent)
    }

    /// A rank from 0, the most wanted, to `count` - 1.
    package func rank(_ random: inout RandomSource) -> Int {
        while true {
            let area = highest + random.uniform() * (lowest - highest)
            let place = Self.inverse(area, exponent)
            let rank = min(max(place.rounded(), 1), count)
            if rank - place <= sure || area >= Self.integral(rank + 0.5, exponent) - pow(rank, -exponent) {
                return Int(rank) - 1
            }
        }
    }

    /// The integral of x^-exponent, up to a constant.
    private static func integral(_ place: Double, _ exponent: Double) -> Double {
        let logarithm = log(place)
        let power = (1 - exponent) * logarithm
        return abs(power) < 1e-8 ? logarithm : expm1(power) / (1 - exponent)
    }

    private static func inverse(_ area: Double, _ exponent: Double) -> Double {
        let power = max(area * (1 - exponent), -1)
        return abs(power) < 1e-8 ? exp(area) : exp(log1p(power) / (1 - exponent))
    }
}
