import Scheduling

extension JSONWriter {
    /// What a scaler reads, keys sorted.
    mutating func scale(_ status: ScaleStatus) {
        object { json in
            json.key("backlog_device_seconds")
            json.number(status.backlogSeconds.asPrediction)
            json.key("devices")
            json.object { json in
                json.key("busy")
                json.number(status.busy)
                json.key("needed")
                json.number(status.needed)
                json.key("present")
                json.number(status.present)
            }
            json.key("models")
            json.array { json in
                for model in status.models { json.scale(of: model) }
            }
            json.key("running")
            json.number(status.running)
            json.key("waiting")
            json.number(status.waiting)
        }
    }

    private mutating func scale(of model: ScaleStatus.Model) {
        object { json in
            json.key("backlog_device_seconds")
            json.number(model.backlogSeconds.asPrediction)
            json.key("name")
            json.string(model.name)
            json.key("running")
            json.number(model.running)
            json.key("waiting")
            json.number(model.waiting)
        }
    }
}
