import TestSupport
import Testing

@testable import Engine

@Suite("Stall deadline")
struct StallDeadlineTests {
    private static let limits = StallLimits()

    @Test("Before anything was learned, a stage may take half an hour")
    func isGenerousAtFirst() {
        let stall = StallDeadline(limits: Self.limits)
        for stage in [EngineProgress.Stage.encode, .denoise, .decode, .write] {
            #expect(stall.allowance(in: stage, size: 1000, weightBytes: 0) == .seconds(1800))
        }
        #expect(stall.allowance(in: nil, size: 1000, weightBytes: 0) == .seconds(300))
    }

    @Test(
        "Loading may take as long as slow storage needs for the weights",
        arguments: [(1, 300), (15_000_000, 303), (40_000_000_000, 8300), (0, 21_600), (-1, 21_600)]
    )
    func scalesLoading(bytes: Int, seconds: Int) {
        let stall = StallDeadline(limits: Self.limits)
        #expect(stall.allowance(in: .load, size: 1, weightBytes: Int64(bytes)) == .seconds(seconds))
    }

    @Test(
        "A stage may be twenty times slower than the slowest seen, and never has less than the floor",
        arguments: [([1], 120), ([3, 30, 5], 600), ([600], 12_000), ([0], 120)]
    )
    func learns(seen: [Int], allowed: Int) {
        var stall = StallDeadline(limits: Self.limits)
        for seconds in seen {
            stall.learn(.seconds(seconds), in: .denoise, size: 1000)
        }
        #expect(stall.allowance(in: .denoise, size: 1000, weightBytes: 0) == .seconds(allowed))
        #expect(stall.allowance(in: .decode, size: 1000, weightBytes: 0) == .seconds(1800))
    }

    @Test(
        "Another size is judged by scale, and never more strictly than one nobody has seen",
        arguments: [(500, 200), (1000, 200), (2000, 800), (10_000, 1800), (Int.max, 1800)]
    )
    func scales(size: Int, allowed: Int) {
        var stall = StallDeadline(limits: Self.limits)
        stall.learn(.seconds(10), in: .denoise, size: 1000)
        #expect(stall.allowance(in: .denoise, size: size, weightBytes: 0) == .seconds(allowed))
    }

    @Test("Where networks are compiled for each size, a new size is as slow as the first was")
    func expectsCompilation() {
        var stall = StallDeadline(limits: Self.limits, isCompiling: true)
        stall.learn(.seconds(10), in: .denoise, size: 1000)
        #expect(stall.allowance(in: .denoise, size: 1000, weightBytes: 0) == .seconds(200))
        #expect(stall.allowance(in: .denoise, size: 500, weightBytes: 0) == .seconds(1800))
    }

    @Test("What is remembered has a bound, and known sizes are still learned beyond it")
    func isBounded() {
        var stall = StallDeadline(limits: Self.limits)
        for size in 1...StallDeadline.maximumShapes + 10 {
            stall.learn(.seconds(10), in: .denoise, size: size)
        }
        stall.learn(.seconds(100), in: .denoise, size: 1)
        #expect(stall.slowestSeen(in: .denoise, size: 1) == .seconds(100))
        #expect(stall.slowestSeen(in: .denoise, size: StallDeadline.maximumShapes + 1) == nil)
    }

    @Test("No size overflows")
    func survivesAnySize() {
        var command = EngineFixture.command(in: "/nowhere")
        #expect(StallDeadline.size(of: command) == 64 * 64 * 5)
        command.width = .max
        #expect(StallDeadline.size(of: command) == .max)
        command.width = 0
        #expect(StallDeadline.size(of: command) == 1)
    }
}
