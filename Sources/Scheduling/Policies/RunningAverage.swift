import Foundation

/// An average of positive numbers that recent ones count more in, and that one which is far off does not move.
///
/// Of logarithms, because times are off by factors. What is further off than `outlierFactor` is put aside; if the next one
/// is near it, both are the new truth: a device that was throttled, another driver.
struct RunningAverage: Sendable, Equatable {
    /// The least weight of a new number.
    private static let recency = 0.2
    private static let outlierFactor = 2.0
    /// What is outside is no time that anything here takes, and no ratio of two such times.
    static let plausible = 1e-9...1e9

    private var mean: Double
    private(set) var count: Int
    /// The logarithm of the last number, where that was far off.
    private var suspect: Double?

    /// `nil` for what is no positive number.
    init?(_ first: Double) {
        guard Self.plausible.contains(first) else { return nil }
        mean = log(first)
        count = 1
    }

    var value: Double { exp(mean) }

    /// Takes one more; what is no positive number changes nothing.
    mutating func add(_ number: Double) {
        guard Self.plausible.contains(number) else { return }
        let number = log(number)
        guard Self.isFar(number, from: mean) else {
            suspect = nil
            count += 1
            mean += max(Self.recency, 1 / Double(count)) * (number - mean)
            return
        }
        if let suspect, !Self.isFar(number, from: suspect) {
            mean = (number + suspect) / 2
            count = 2
            self.suspect = nil
        } else {
            suspect = number
        }
    }

    private static func isFar(_ one: Double, from other: Double) -> Bool {
        abs(one - other) > log(outlierFactor)
    }
}

extension RunningAverage: Codable {
    private enum CodingKeys: String, CodingKey {
        case value
        case count
    }

    /// - Throws: `DecodingError` also for what is no positive number.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let value = try container.decode(Double.self, forKey: .value)
        let count = try container.decode(Int.self, forKey: .count)
        guard Self.plausible.contains(value), count >= 1 else {
            throw DecodingError.dataCorruptedError(forKey: .value, in: container, debugDescription: "no average")
        }
        mean = log(value)
        // More only says that the newest count least.
        self.count = min(count, Int(1 / Self.recency))
        suspect = nil
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(value, forKey: .value)
        try container.encode(count, forKey: .count)
    }
}

extension RunningAverage? {
    /// Takes one more, or begins with it.
    mutating func add(_ number: Double?) {
        guard let number else { return }
        if self == nil { self = RunningAverage(number) } else { self?.add(number) }
    }
}
