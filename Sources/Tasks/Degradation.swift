/// What of a request was reduced in the video that was made.
package struct Degradation: Sendable, Equatable {
    /// Why less was made than was asked for; snake_case, in the words of the API.
    package enum Reason: String, Sendable, CaseIterable {
        /// Too much was waiting.
        case load
        /// The device had no room for more.
        case memory
    }

    /// One parameter: as asked for, and as made.
    package struct Change<Value: Sendable & Equatable>: Sendable, Equatable {
        package var asked: Value
        package var made: Value

        package init(asked: Value, made: Value) {
            self.asked = asked
            self.made = made
        }
    }

    package let steps: Change<Int>?
    package let stepCache: Change<StepCacheLevel>?
    package let frames: Change<Int>?
    package let width: Change<Int>?
    package let height: Change<Int>?
    package let reason: Reason

    /// `nil` for a generation that has not succeeded, or whose video is all that was asked for.
    package init?(of generation: Generation) {
        guard let result = generation.result else { return nil }
        let asked = generation.request
        func fewer(_ asked: Int, _ made: Int) -> Change<Int>? {
            made < asked ? Change(asked: asked, made: made) : nil
        }
        steps = fewer(asked.numInferenceSteps, result.steps ?? asked.numInferenceSteps)
        let stepCache = result.stepCache ?? asked.stepCache
        self.stepCache = stepCache > asked.stepCache ? Change(asked: asked.stepCache, made: stepCache) : nil
        frames = fewer(asked.numFrames, result.numFrames)
        width = fewer(asked.width, result.width)
        height = fewer(asked.height, result.height)
        let isSmaller = frames != nil || width != nil || height != nil
        let isCheaper = steps != nil || self.stepCache != nil
        guard isSmaller || isCheaper else { return nil }
        // A lack of memory goes down all memory modes before it makes a video smaller, and leaves the last in the plan.
        reason = isSmaller && !isCheaper && generation.plan.memoryMode != nil ? .memory : .load
    }
}
