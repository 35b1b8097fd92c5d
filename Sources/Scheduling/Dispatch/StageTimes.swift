import Engine

/// When an attempt was in which stage, by the engine's reports as they came in; times are monotonic seconds.
struct StageTimes: Sendable {
    /// One stage.
    struct Span: Sendable, Equatable {
        var stage: EngineProgress.Stage
        var from: Double
        var to: Double
        /// Whether it was going on when the attempt ended.
        var isLast = false
    }

    /// Each stage once, and a few that an engine may come back to.
    private static let limit = 8

    private var past: [Span] = []
    private var current: (stage: EngineProgress.Stage, from: Double)?

    /// A report that the attempt is in a stage.
    mutating func enter(_ stage: EngineProgress.Stage, at now: Double) {
        guard current?.stage != stage, past.count < Self.limit else { return }
        leave(at: now)
        current = (stage, now)
    }

    /// The stage is over and the next one has not begun: the device is released, and the file waits to be written.
    mutating func leave(at now: Double) {
        guard let current else { return }
        past.append(Span(stage: current.stage, from: current.from, to: now))
        self.current = nil
    }

    /// All of them, the last up to the end of the attempt.
    func spans(until end: Double) -> [Span] {
        guard let current else { return past }
        return past + [Span(stage: current.stage, from: current.from, to: end, isLast: true)]
    }
}
