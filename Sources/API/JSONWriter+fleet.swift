import Scheduling
import Tasks

extension JSONWriter {
    /// A device as clients see it, keys sorted.
    mutating func device(_ device: DeviceStatus) {
        object { json in
            json.key("engines")
            json.array { json in
                for engine in device.engines { json.engine(engine) }
            }
            json.key("free_bytes")
            json.number(device.freeBytes)
            json.key("id")
            json.string(device.id)
            json.key("kind")
            json.string(device.kind)
            json.key("state")
            json.string(device.state.rawValue)
            json.key("temperature_celsius")
            json.optional(device.temperatureCelsius) { json, degrees in json.number(degrees) }
            json.key("total_bytes")
            json.number(device.totalBytes)
            json.key("utilisation")
            json.optional(device.utilisation) { json, share in json.number(share) }
        }
    }

    /// What waits and what runs, keys sorted.
    mutating func queue(_ status: QueueStatus) {
        object { json in
            json.key("by_priority")
            json.object { json in
                json.key("batch")
                json.number(status.byPriority[.batch] ?? 0)
                json.key("interactive")
                json.number(status.byPriority[.interactive] ?? 0)
                json.key("normal")
                json.number(status.byPriority[.normal] ?? 0)
            }
            json.key("draining")
            json.bool(status.isDraining)
            json.key("predicted_wait_seconds")
            json.optional(status.predictedWaitSeconds) { json, seconds in json.number(seconds.asPrediction) }
            json.key("running")
            json.number(status.running)
            json.key("waiting")
            json.number(status.waiting)
        }
    }

    private mutating func engine(_ engine: EngineStatus) {
        object { json in
            json.key("index")
            json.number(engine.index)
            json.key("model")
            json.optional(engine.model) { json, model in json.string(model) }
            json.key("state")
            json.string(engine.state.rawValue)
            json.key("work")
            json.optional(engine.work) { json, work in json.work(work) }
        }
    }

    private mutating func work(_ work: EngineWork) {
        object { json in
            json.key("generations")
            json.number(work.generations)
            json.key("priority")
            json.string(work.priority.rawValue)
            json.key("progress")
            json.progress(work.progress)
            json.key("seconds_left")
            json.optional(work.secondsLeft) { json, seconds in json.number(seconds.asPrediction) }
        }
    }
}
