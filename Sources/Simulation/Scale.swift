import Foundation

/// Where values lie on an axis, and which of them are written beside it.
struct Scale: Sendable {
    let kind: Chart.Axis.Kind
    let lowest: Double
    let highest: Double
    /// Values with their text, in order.
    let ticks: [(value: Double, text: String)]

    /// - Parameters:
    ///   - axis: what is measured.
    ///   - greatest: the greatest value that is drawn.
    ///   - count: ticks, about.
    init(_ axis: Chart.Axis, greatest: Double, count: Int) {
        kind = axis.kind
        // A number beyond that is no measurement, and would leave no digit for the marks.
        let end = min([axis.end ?? 0, greatest].filter(\.isFinite).max() ?? 0, 1e15)
        switch axis.kind {
        case .share:
            (lowest, highest) = (0, 1)
            ticks = stride(from: 0, through: 1, by: 0.25).map { ($0, "\(Int($0 * 100)) %") }
        case .number:
            let step = Self.step(for: max(end, 1e-9) / Double(count), of: [1, 2, 5, 10])
            lowest = 0
            highest = max((end / step).rounded(.up), 1) * step
            ticks = Self.multiples(of: step, to: highest).map { ($0, Self.text($0)) }
        case .duration:
            let unit = Self.unit(for: end)
            let steps: [Double] = unit.seconds == 60 || unit.seconds == 3600 ? [1, 1.5, 3, 6, 10] : [1, 2, 5, 10]
            let step = Self.step(for: max(end, 1e-9) / unit.seconds / Double(count), of: steps)
            lowest = 0
            highest = max(end, step * unit.seconds)
            ticks = Self.multiples(of: step, to: highest / unit.seconds)
                .map { ($0 * unit.seconds, "\(Self.text($0)) \(unit.name)") }
        case .logDuration:
            lowest = 1
            let marks = Self.marks
            highest = marks.first { $0.value >= end }?.value ?? max(end, 10)
            ticks = marks.filter { [highest] in $0.value <= highest }
        }
    }

    /// Where a value lies, from 0 to 1; what is beyond an end lies at it.
    func place(_ value: Double) -> Double {
        guard highest > lowest, value.isFinite else { return 0 }
        let share =
            kind == .logDuration
            ? log(max(value, lowest) / lowest) / log(highest / lowest) : (value - lowest) / (highest - lowest)
        return min(max(share, 0), 1)
    }

    private static let marks: [(value: Double, text: String)] = [
        (1, "≤ 1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (21_600, "6 h"), (86_400, "1 d"),
        (604_800, "7 d"), (2_592_000, "30 d"), (31_536_000, "1 y"),
    ]

    private static func unit(for end: Double) -> (seconds: Double, name: String) {
        switch end {
        case ..<180: (1, "s")
        case ..<10_800: (60, "min")
        case ..<259_200: (3600, "h")
        default: (86_400, "d")
        }
    }

    /// The least of some round numbers that is no less than a number.
    private static func step(for number: Double, of round: [Double]) -> Double {
        let power = pow(10, log10(number).rounded(.down))
        return (round.first { $0 * power >= number * 0.999_999 } ?? 10) * power
    }

    private static func multiples(of step: Double, to end: Double) -> [Double] {
        (0...Int((end / step + 1e-6).rounded(.down))).map { Double($0) * step }
    }

    private static func text(_ number: Double) -> String {
        switch abs(number) {
        case 1_000_000...: String(format: "%g", number / 1_000_000) + " M"
        case 10_000...: String(format: "%g", number / 1000) + " k"
        default: String(format: "%g", (number * 1e6).rounded() / 1e6)
        }
    }
}
