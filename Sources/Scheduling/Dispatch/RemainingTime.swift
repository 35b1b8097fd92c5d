import Tasks

/// How long an attempt still takes, from what was predicted and what it has shown so far.
///
/// Pure.
enum RemainingTime {
    /// The seconds until its file is complete.
    ///
    /// - Parameters:
    ///   - standing: how far it is.
    ///   - estimate: what it was predicted to take.
    ///   - now: monotonic seconds.
    /// - Returns: never below zero; what is overdue counts as about to end.
    static func seconds(_ standing: Course.Standing, _ estimate: CostEstimate, at now: Double) -> Double {
        let since = max(0, now - standing.at)
        func rest(_ stage: Double) -> Double { max(0, stage - since) }
        let steps = estimate.perStep * Double(estimate.steps)
        let end = estimate.decode + estimate.write
        guard let progress = standing.progress else {
            return rest(estimate.load + estimate.encode) + steps + end
        }
        switch progress.stage {
        case .load: return rest(estimate.load) + estimate.encode + steps + end
        case .encode: return rest(estimate.encode) + steps + end
        case .denoise:
            let left = Double(max(0, progress.totalSteps - progress.step))
            return rest(left * (perStep(standing, progress) ?? estimate.perStep)) + end
        case .decode: return rest(estimate.decode) + estimate.write
        case .write: return rest(estimate.write)
        }
    }

    /// The pace that this attempt has shown; `nil` before its second step.
    private static func perStep(_ standing: Course.Standing, _ progress: GenerationProgress) -> Double? {
        guard let first = standing.firstStep, progress.step > first.step else { return nil }
        return (standing.at - first.at) / Double(progress.step - first.step)
    }
}
