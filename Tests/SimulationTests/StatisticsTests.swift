import Foundation
import Testing

@testable import Simulation

@Suite("Statistics of a simulation")
struct StatisticsTests {
    @Test("A percentile of many durations is right to within one percent")
    func percentiles() {
        var random = RandomSource(seed: 7)
        var histogram = DurationHistogram()
        var all: [Double] = []
        for _ in 0..<200_000 {
            let seconds = random.exponential(rate: 0.01)
            histogram.add(seconds)
            all.append(seconds)
        }
        all.sort()
        for share in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let exact = all[Int((share * Double(all.count)).rounded(.up)) - 1]
            #expect(abs(histogram.percentile(share) / exact - 1) <= 0.01, "percentile \(share)")
        }
        #expect(histogram.percentile(1) == all.last)
        #expect(abs(histogram.mean - 100) < 2)
    }

    @Test("Durations that are none, tiny or endless are counted and break nothing")
    func oddDurations() {
        var histogram = DurationHistogram()
        #expect(histogram.percentile(0.5) == 0)
        histogram.add(-1)
        histogram.add(0)
        histogram.add(1e-9)
        histogram.add(1e30)
        #expect(histogram.count == 4)
        #expect(histogram.percentile(0.5) == 0)
        #expect(histogram.percentile(0.99) == 1e30)
        #expect(histogram.cumulative.last?.share == 1)
    }

    @Test("Two histograms together are the histogram of both")
    func merging() {
        var (one, other, both) = (DurationHistogram(), DurationHistogram(), DurationHistogram())
        for second in 1...100 {
            one.add(Double(second))
            other.add(Double(second) * 100)
            both.add(Double(second))
            both.add(Double(second) * 100)
        }
        one.merge(other)
        #expect(one.percentile(0.5) == both.percentile(0.5))
        #expect(one.count == both.count)
        #expect(one.sum == both.sum)
    }

    @Test("A series keeps the mean and the most of a value, however long it goes on")
    func series() {
        var series = TimeSeries(width: 1, limit: 8)
        for second in 0..<1000 { series.set(second % 2 == 0 ? 4 : 0, at: Double(second)) }
        series.advance(to: 1000)
        #expect(series.points.count <= 8)
        #expect(abs(series.mean - 2) < 1e-9)
        #expect(series.peak == 4)
        #expect(series.points.allSatisfy { abs($0.mean - 2) < 0.1 })
    }

    @Test("A value that holds for no time leaves no trace")
    func momentaryValue() {
        var series = TimeSeries()
        series.set(9, at: 5)
        series.set(1, at: 5)
        series.advance(to: 10)
        #expect(series.peak == 1)
        #expect(series.mean == 0.5)
    }

    @Test("Jain's index is 1 among equals and 1/n where one has all")
    func jain() {
        #expect(Fairness.jain([3, 3, 3]) == 1)
        #expect(Fairness.jain([5, 0, 0, 0]) == 0.25)
        #expect(Fairness.jain([]) == 1)
        #expect(Fairness.jain([0, 0]) == 1)
    }

    @Test("Events come in the order of their time, and those of one time in the order they were added")
    func events() {
        var queue = EventQueue<Int>()
        var random = RandomSource(seed: 3)
        for number in 0..<10_000 { queue.add(number, at: Double(random.index(below: 100))) }
        var last = (time: -1.0, event: -1)
        var count = 0
        while let next = queue.next() {
            #expect(next.time > last.time || next.time == last.time && next.event > last.event)
            last = next
            count += 1
        }
        #expect(count == 10_000)
        #expect(queue.isEmpty)
    }

    @Test("The random source is the published one and gives the same numbers for the same seed")
    func randomSource() {
        // SplitMix64 of 0 begins with 0xe220a8397b1dcdaf in its authors' own test.
        #expect(RandomSource.mixed(0) == 0xE220_A839_7B1D_CDAF)
        var (one, same, other) = (RandomSource(seed: 1), RandomSource(seed: 1), RandomSource(seed: 2))
        let numbers = (0..<100).map { _ in one.next() }
        #expect(numbers == (0..<100).map { _ in same.next() })
        #expect(numbers != (0..<100).map { _ in other.next() })
        #expect((0..<10_000).allSatisfy { _ in (0..<7).contains(one.index(below: 7)) })
    }

    @Test("Random numbers have the mean and the spread that they should have")
    func moments() {
        var random = RandomSource(seed: 11)
        let count = 200_000
        let normal = (0..<count).map { _ in random.normal() }
        let mean = normal.reduce(0, +) / Double(count)
        let spread = normal.reduce(0) { $0 + $1 * $1 } / Double(count)
        #expect(abs(mean) < 0.01)
        #expect(abs(spread - 1) < 0.02)
        let waits = (0..<count).map { _ in random.exponential(rate: 4) }
        #expect(abs(waits.reduce(0, +) / Double(count) - 0.25) < 0.005)
    }

    @Test("Ranks of Zipf's law are drawn as often as they should be", arguments: [0.5, 1, 1.5])
    func zipf(exponent: Double) {
        let ranks = 50
        let distribution = ZipfDistribution(count: ranks, exponent: exponent)
        var random = RandomSource(seed: 5)
        var counts = [Double](repeating: 0, count: ranks)
        let draws = 200_000
        for _ in 0..<draws { counts[distribution.rank(&random)] += 1 }
        let weights = (1...ranks).map { pow(Double($0), -exponent) }
        let sum = weights.reduce(0, +)
        for rank in [0, 1, 4, 20, 49] {
            let expected = weights[rank] / sum * Double(draws)
            #expect(abs(counts[rank] - expected) < 5 * expected.squareRoot() + 1, "rank \(rank)")
        }
    }
}
