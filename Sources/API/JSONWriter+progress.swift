import Tasks

extension JSONWriter {
    /// How far an attempt is, keys sorted.
    mutating func progress(_ progress: GenerationProgress?) {
        optional(progress) { json, progress in
            json.object { json in
                json.key("percent")
                json.number(progress.percent)
                json.key("stage")
                json.string(progress.stage.rawValue)
                json.key("step")
                json.number(progress.step)
                json.key("total_steps")
                json.number(progress.totalSteps)
            }
        }
    }
}

extension GenerationProgress {
    /// An estimate of how much of the whole work is done, for a progress bar; 100 is only a finished task.
    var percent: Int {
        switch stage {
        case .load: 0
        case .encode: 1
        case .denoise: totalSteps > 0 ? 2 + min(max(step, 0), totalSteps) * 88 / totalSteps : 2
        case .decode: 90
        case .write: 99
        }
    }
}

extension Double {
    /// Predicted seconds as clients see them: never below 0, and to a tenth, since no prediction is better.
    ///
    /// What is no number stays none, and is `null` in JSON.
    var asPrediction: Double { self < 0 ? 0 : (self * 10).rounded() / 10 }
}
