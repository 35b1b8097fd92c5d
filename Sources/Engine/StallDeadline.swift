/// The numbers behind the deadlines.
package struct StallLimits: Sendable, Equatable {
    /// No stage is called hung before this, however fast it was so far: a busy disk, a full swap or another
    /// process on the card can stop anything for a minute.
    package var floor = Duration.seconds(120)
    /// For a stage that was never seen to finish.
    ///
    /// A first step may compile kernels, and on a processor it may take many minutes with nothing wrong.
    package var beforeLearning = Duration.seconds(1800)
    /// How many times slower than the slowest seen so far a stage may be.
    package var factor = 20
    /// From `generate` to the first sign of life.
    ///
    /// The engine checks the request, decodes its inputs, none of which took more than 50 seconds of processor time when
    /// it was inspected, and imports its libraries.
    package var answer = Duration.seconds(300)
    /// Loading takes this long before the first byte of weights: imports, set-up of the device.
    package var loadFloor = Duration.seconds(300)
    /// The slowest source of weights that is waited for: a shared network disk or a slow line to the hub.
    package var loadBytesPerSecond: Int64 = 5_000_000
    /// For weights of unknown size: they are fetched from the hub while the model is loaded.
    package var loadUnknownSize = Duration.seconds(6 * 3600)

    package init() {}
}

/// How long an engine may go without a sign of life before it counts as hung: pure, and learned from what was seen.
///
/// There is no limit for a whole generation, because none fits: a small video on a large card takes seconds, a large
/// one on a processor hours. There is one for the time between two messages, and it follows the machine.
struct StallDeadline: Sendable {
    /// Shapes are chosen by clients, so what is remembered of them has a bound.
    ///
    /// Those beyond it are judged by scale.
    static let maximumShapes = 256

    private let limits: StallLimits
    private let isCompiling: Bool
    /// Per stage and size, the slowest time between two signs of life.
    private var slowest: [EngineProgress.Stage: [Int: Duration]] = [:]

    /// - Parameters:
    ///   - limits: the numbers.
    ///   - isCompiling: whether networks are compiled for each size, so that other sizes let expect nothing of a new one.
    init(limits: StallLimits, isCompiling: Bool = false) {
        self.limits = limits
        self.isCompiling = isCompiling
    }

    /// The measure that times are remembered by: what all stages of a video grow with.
    static func size(of command: GenerateCommand) -> Int {
        // Within the limits of a sound model this cannot overflow; whatever else is asked must not trap.
        let (area, first) = command.width.multipliedReportingOverflow(by: command.height)
        let (size, second) = area.multipliedReportingOverflow(by: command.numFrames)
        return first || second ? .max : max(size, 1)
    }

    /// Remembers that `stage` went `gap` without a sign of life and then gave one.
    mutating func learn(_ gap: Duration, in stage: EngineProgress.Stage, size: Int) {
        let known = slowest[stage, default: [:]]
        guard stage != .load, known[size] != nil || known.count < Self.maximumShapes else { return }
        slowest[stage, default: [:]][size] = max(gap, known[size] ?? .zero)
    }

    /// The time that `stage` may go on without a sign of life; `nil` is the time before the first one.
    func allowance(in stage: EngineProgress.Stage?, size: Int, weightBytes: Int64) -> Duration {
        switch stage {
        case nil:
            return limits.answer
        case .load:
            guard weightBytes > 0 else { return limits.loadUnknownSize }
            return limits.loadFloor + .seconds(weightBytes / max(limits.loadBytesPerSecond, 1))
        case .some(let stage):
            if let seen = slowest[stage]?[size] {
                return max(limits.floor, seen * limits.factor)
            }
            guard !isCompiling, let expected = expected(in: stage, size: size) else { return limits.beforeLearning }
            return min(limits.beforeLearning, max(limits.floor, expected * Double(limits.factor)))
        }
    }

    /// The slowest time seen for this stage at this size, for those who wait for one step to end.
    func slowestSeen(in stage: EngineProgress.Stage?, size: Int) -> Duration? {
        stage.flatMap { slowest[$0]?[size] }
    }

    /// What other sizes let expect of this one.
    ///
    /// Attention grows with the square of the size; nothing grows faster.
    private func expected(in stage: EngineProgress.Stage, size: Int) -> Duration? {
        slowest[stage]?.map { seenSize, time in
            let ratio = max(1, Double(size) / Double(seenSize))
            // More than this factor is beyond every deadline, and must not overflow a duration.
            return time * min(ratio * ratio, 1e6)
        }.max()
    }
}
