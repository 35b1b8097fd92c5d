extension VideoRequest {
    /// What was asked for, as a shape.
    package var shape: VideoShape { VideoShape(width: width, height: height, numFrames: numFrames) }

    /// The same request, to be carried out whole or not at all.
    package var withoutDegradation: VideoRequest {
        var request = self
        request.degradation = nil
        return request
    }

    /// The request that asks for just what an attempt makes of this one.
    ///
    /// Its key is that of what was really made; so it allows no degradation itself.
    ///
    /// - Parameter plan: of the attempt.
    /// - Returns: never more than was asked for, whatever the plan says.
    package func reduced(by plan: AttemptPlan) -> VideoRequest {
        var request = withoutDegradation
        if let steps = plan.steps {
            // Of a video that is made anew only a part of the steps is computed, and those are planned.
            let whole = strength.map { Int((Double(steps) / $0).rounded(.up)) } ?? steps
            request.numInferenceSteps = min(whole, numInferenceSteps)
        }
        if let level = plan.stepCache { request.stepCache = max(level, stepCache) }
        if let shape = plan.shape {
            request.width = min(shape.width, width)
            request.height = min(shape.height, height)
            request.numFrames = min(shape.numFrames, numFrames)
        }
        return request
    }
}
