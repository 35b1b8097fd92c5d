package import Tasks

/// Decides how much less is made of a generation that allows it, when too much waits.
///
/// Pure. What a rung does adds up with what those before it did.
package struct DegradationPolicy: Sendable, Equatable {
    /// What is done from some predicted wait on.
    package struct Rung: Sendable, Equatable {
        /// Predicted seconds until all that waits has started.
        package var afterWait: Duration
        package var action: Action

        package init(afterWait: Duration, action: Action) {
            self.afterWait = afterWait
            self.action = action
        }
    }

    /// One way to make less; shares are of what was asked for, above 0 and not above 1.
    package enum Action: Sendable, Equatable {
        case steps(Double)
        case stepCache(StepCacheLevel)
        /// A share of the frames.
        case frames(Double)
        /// A share of each side.
        case size(Double)
    }

    /// What a model can make.
    package struct Limits: Sendable, Equatable {
        package var model: ModelLimits
        package var stepCache: Set<StepCacheLevel>

        package init(model: ModelLimits, stepCache: Set<StepCacheLevel>) {
            self.model = model
            self.stepCache = stepCache
        }

        package init(_ model: ModelDescription) {
            self.init(model: model.limits, stepCache: model.stepCache)
        }
    }

    /// By rising wait; empty: nothing is ever made less of.
    package var ladder: [Rung]

    package init(ladder: [Rung] = Self.standard) {
        self.ladder = ladder.sorted { $0.afterWait < $1.afterWait }
    }

    /// Fewer steps first, which are missed least, then the step cache, then fewer frames, and a smaller picture at last.
    package static let standard = [
        Rung(afterWait: .seconds(120), action: .steps(0.8)),
        Rung(afterWait: .seconds(300), action: .stepCache(.balanced)),
        Rung(afterWait: .seconds(600), action: .steps(0.6)),
        Rung(afterWait: .seconds(1200), action: .frames(0.75)),
        Rung(afterWait: .seconds(2400), action: .size(0.75)),
    ]

    /// What the next attempt makes of a generation.
    ///
    /// - Parameters:
    ///   - waiting: the generation.
    ///   - wait: predicted seconds until all that waits has started.
    ///   - limits: of its model.
    /// - Returns: its plan, reduced; `nil` if it stays as it is.
    package func plan(for waiting: WaitingGeneration, wait: Double, limits: Limits) -> AttemptPlan? {
        // What an earlier attempt has begun is gone on with as it was.
        guard let floor = waiting.degradation, !waiting.hasStarted else { return nil }
        let asked = waiting.work
        var plan = waiting.plan
        for rung in ladder where wait >= rung.afterWait.inSeconds {
            switch rung.action {
            case .steps(let share):
                let steps = Self.steps(asked.steps, share, floor, limits.model)
                if steps < plan.steps ?? asked.steps { plan.steps = steps }
            case .stepCache(let level):
                let isMore = level > plan.stepCache ?? asked.stepCache
                if isMore, limits.stepCache.contains(level) { plan.stepCache = level }
            case .frames(let share):
                let frames = Self.frames(asked.shape.numFrames, share, floor, limits.model)
                if let frames, frames < (plan.shape ?? asked.shape).numFrames {
                    plan.shape = plan.shape ?? asked.shape
                    plan.shape?.numFrames = frames
                }
            case .size(let share):
                let shape = plan.shape ?? asked.shape
                if let size = Self.size(asked.shape, share, floor, limits.model),
                    size.height <= shape.height, size.width * size.height < shape.width * shape.height
                {
                    plan.shape = VideoShape(width: size.width, height: size.height, numFrames: shape.numFrames)
                }
            }
        }
        return plan == waiting.plan ? nil : plan
    }

    /// Whether a generation allows the plan that another one has led to, as those that share a pass all have the same.
    ///
    /// - Parameters:
    ///   - plan: of the pass.
    ///   - waiting: one that would share it.
    /// - Returns: `false` if it asked for more.
    package static func allows(_ plan: AttemptPlan, for waiting: WaitingGeneration) -> Bool {
        guard plan.steps != nil || plan.stepCache != nil || plan.shape != nil else { return true }
        guard let floor = waiting.degradation else { return false }
        return plan.steps.map { $0 >= min(floor.minSteps ?? 0, waiting.work.steps) } ?? true
            && plan.shape.map { $0.numFrames >= floor.minFrames ?? 0 && $0.height >= floor.minHeight ?? 0 } ?? true
    }

    private static func steps(_ asked: Int, _ share: Double, _ floor: DegradationFloor, _ limits: ModelLimits) -> Int {
        max(scaled(asked, share), floor.minSteps ?? 0, limits.steps.lowerBound)
    }

    /// Of the form that the model makes, not below the floor; `nil` if there is none below what was asked for.
    private static func frames(
        _ asked: Int,
        _ share: Double,
        _ floor: DegradationFloor,
        _ limits: ModelLimits
    ) -> Int? {
        let step = max(1, limits.frameStep)
        let least = max(scaled(asked, share), floor.minFrames ?? 0, limits.frames.lowerBound, 1)
        let frames = (least - 1 + step - 1) / step * step + 1
        return frames < asked ? frames : nil
    }

    /// Both sides multiples that the model makes, the height not below the floor; `nil` if there is none that is smaller.
    private static func size(
        _ asked: VideoShape,
        _ share: Double,
        _ floor: DegradationFloor,
        _ limits: ModelLimits
    ) -> VideoSize? {
        let multiple = max(1, limits.sizeMultiple)
        func up(_ value: Int) -> Int { (value + multiple - 1) / multiple * multiple }
        let height = up(max(scaled(asked.height, share), floor.minHeight ?? 0, limits.height.lowerBound))
        guard height < asked.height else { return nil }
        // By the height, so that the picture keeps its form.
        let width = up(max(scaled(asked.width, Double(height) / Double(asked.height)), limits.width.lowerBound))
        return width <= asked.width ? VideoSize(width: width, height: height) : nil
    }

    /// Rounded up; what is no share changes nothing.
    private static func scaled(_ value: Int, _ share: Double) -> Int {
        guard share > 0, share < 1 else { return value }
        // 0.55 of 100 is 55, although the product in binary is a little more.
        return Int((Double(value) * share - 1e-9).rounded(.up))
    }
}
