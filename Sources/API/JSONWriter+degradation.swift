import Tasks

extension JSONWriter {
    /// What was reduced, each as a pair: asked for, made.
    ///
    /// What was not reduced is left out. Keys sorted.
    mutating func degradation(_ degradation: Degradation?) {
        optional(degradation) { json, degradation in
            json.object { json in
                json.change("height", degradation.height)
                json.change("num_frames", degradation.frames)
                json.change("num_inference_steps", degradation.steps)
                json.key("reason")
                json.string(degradation.reason.rawValue)
                if let change = degradation.stepCache {
                    json.key("step_cache")
                    json.array { json in
                        json.string(change.asked.rawValue)
                        json.string(change.made.rawValue)
                    }
                }
                json.change("width", degradation.width)
            }
        }
    }

    private mutating func change(_ name: StaticString, _ change: Degradation.Change<Int>?) {
        guard let change else { return }
        key(name)
        array { json in
            json.number(change.asked)
            json.number(change.made)
        }
    }
}
