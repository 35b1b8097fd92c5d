extension VideoRequest {
    /// What its cost and memory depend on.
    ///
    /// Of a video that is made anew only a part of the steps is computed, by its strength: the pipelines begin that much
    /// later in their schedule (`get_timesteps` in diffusers).
    ///
    /// - Parameter model: the name of the model that makes it.
    /// - Returns: the work as asked for; of an attempt that makes less ask `reduced(by:)` for it.
    package func work(model: String) -> Work {
        let computed = strength.map { max(1, min(Int(Double(numInferenceSteps) * $0), numInferenceSteps)) }
        return Work(
            model: model,
            shape: shape,
            steps: computed ?? numInferenceSteps,
            isGuided: guidanceScale > 1,
            stepCache: stepCache,
            loras: loras.map(\.name)
        )
    }

    /// Equal for requests that may share one pass of the model: it has everything but the prompts, the seed and the
    /// floors.
    ///
    /// - Parameter model: the name of the model that makes it.
    /// - Returns: `nil` for a request that brings files, which never shares.
    package func batchKey(model: String) -> String? {
        guard inputs.isEmpty else { return nil }
        // Numbers and hexadecimal up to the name of the model, which comes last because it may be any text.
        let adapters = loras.map { "\($0.fingerprint)*\($0.scale)" }.joined(separator: "+")
        return "\(width)x\(height)x\(numFrames)@\(fps) \(numInferenceSteps) \(guidanceScale) \(stepCache.rawValue) "
            + "\(adapters) \(model)"
    }
}
