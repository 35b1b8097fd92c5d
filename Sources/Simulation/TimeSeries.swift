/// A value over time, in a fixed number of equal spans: the mean and the most of each.
///
/// The end need not be known: when the spans are full, two of them become one.
package struct TimeSeries: Sendable {
    package struct Span: Sendable, Equatable {
        /// Value × seconds.
        var area = 0.0
        /// The most in it.
        package var peak = 0.0
    }

    /// An even number.
    private let limit: Int
    /// Seconds of one span.
    package private(set) var width: Double
    private var spans: [Span]
    private var value = 0.0
    /// Seconds; the value is known up to here.
    package private(set) var end = 0.0

    /// - Parameters:
    ///   - width: seconds of a span at first.
    ///   - limit: spans at most.
    package init(width: Double = 1, limit: Int = 512) {
        self.limit = max(limit / 2 * 2, 2)
        self.width = width
        spans = []
        spans.reserveCapacity(self.limit)
    }

    /// Says that the value is another one from now on.
    ///
    /// - Parameters:
    ///   - value: the new one.
    ///   - time: seconds; never earlier than the time before.
    package mutating func set(_ value: Double, at time: Double) {
        advance(to: time)
        self.value = value
    }

    /// Says that the value has not changed up to a time.
    package mutating func advance(to time: Double) {
        while end < time {
            while end >= width * Double(limit) { halve() }
            let index = Int(end / width)
            while spans.count <= index { spans.append(Span()) }
            let border = width * Double(index + 1)
            let until = min(border > end ? border : end + width, time)
            spans[index].area += value * (until - end)
            spans[index].peak = max(spans[index].peak, value)
            end = until
        }
    }

    /// The mean over all the time.
    package var mean: Double {
        end > 0 ? spans.reduce(0) { $0 + $1.area } / end : 0
    }

    /// The most ever, of values that held for some time.
    package var peak: Double { spans.reduce(0) { max($0, $1.peak) } }

    /// The middle of each span in seconds, its mean and its most.
    package var points: [(time: Double, mean: Double, peak: Double)] {
        spans.enumerated().map { index, span in
            let start = width * Double(index)
            let length = min(width, end - start)
            return (start + length / 2, length > 0 ? span.area / length : value, span.peak)
        }
    }

    private mutating func halve() {
        while spans.count < limit { spans.append(Span()) }
        for index in 0..<limit / 2 {
            let (left, right) = (spans[2 * index], spans[2 * index + 1])
            spans[index] = Span(area: left.area + right.area, peak: max(left.peak, right.peak))
        }
        spans.removeLast(limit / 2)
        width *= 2
    }
}
