import Foundation

/// How long many things took, in a fixed 11 kB: any percentile is right to within 1 %.
///
/// The bounds of its buckets grow by a constant factor, as in DDSketch (Masson, Rim and Lee, 2019): a value is known to
/// within (factor - 1) / (factor + 1). What is below a millisecond counts as 0, what is above 30 years as 30 years.
package struct DurationHistogram: Sendable {
    private static let least = 0.001
    private static let most = 1e9
    private static let factor = 1.02
    private static let logFactor = log(factor)
    private static let bucketCount = Int((log(most / least) / logFactor).rounded(.up)) + 1

    /// The first is for what counts as 0.
    private var buckets = [Int64](repeating: 0, count: bucketCount + 1)
    package private(set) var count: Int64 = 0
    /// Seconds.
    package private(set) var sum = 0.0
    /// Seconds; 0 where there is nothing.
    package private(set) var maximum = 0.0

    package init() {}

    /// Seconds; 0 where there is nothing.
    package var mean: Double { count > 0 ? sum / Double(count) : 0 }

    /// Counts a duration.
    ///
    /// - Parameters:
    ///   - seconds: below 0 counts as 0.
    ///   - times: how often.
    package mutating func add(_ seconds: Double, times: Int64 = 1) {
        let seconds = max(seconds, 0)
        buckets[Self.bucket(of: seconds)] += times
        count += times
        sum += seconds * Double(times)
        maximum = max(maximum, seconds)
    }

    package mutating func merge(_ other: DurationHistogram) {
        for index in buckets.indices { buckets[index] += other.buckets[index] }
        count += other.count
        sum += other.sum
        maximum = max(maximum, other.maximum)
    }

    /// The duration that so large a share did not exceed.
    ///
    /// - Parameter share: 0 to 1.
    /// - Returns: seconds, to within 1 %; 0 where there is nothing.
    package func percentile(_ share: Double) -> Double {
        let wanted = max(Int64((share * Double(count)).rounded(.up)), 1)
        guard count > 0, wanted < count else { return maximum }
        var seen: Int64 = 0
        for (index, number) in buckets.enumerated() {
            seen += number
            if seen >= wanted { return min(Self.value(of: index), maximum) }
        }
        return maximum
    }

    /// The share that took no longer, for each bucket that has any: a cumulative distribution.
    package var cumulative: [(seconds: Double, share: Double)] {
        var points: [(seconds: Double, share: Double)] = []
        var seen: Int64 = 0
        for (index, number) in buckets.enumerated() where number > 0 {
            seen += number
            points.append((min(Self.value(of: index), maximum), Double(seen) / Double(count)))
        }
        return points
    }

    private static func bucket(of seconds: Double) -> Int {
        guard seconds >= least else { return 0 }
        return min(Int(log(seconds / least) / logFactor) + 1, bucketCount)
    }

    /// The value in a bucket that is equally far from both of its bounds, as a share of each.
    private static func value(of bucket: Int) -> Double {
        guard bucket > 0 else { return 0 }
        return least * pow(factor, Double(bucket - 1)) * 2 * factor / (1 + factor)
    }
}
