import NIOCore
import Scheduling
import Tasks

/// Writes server-sent events, as the HTML standard has them.
struct EventStreamText: Equatable {
    /// How long a client waits before it connects again.
    static let retry = ByteBuffer(string: "retry: 2000\n\n")
    /// What clients pass over, and what keeps the connection from being taken for a dead one.
    static let heartbeat = ByteBuffer(string: ":\n\n")

    private(set) var buffer = ByteBuffer()

    /// Adds what a feed tells of a task.
    mutating func add(_ event: EventFeed.Event, of task: TaskWire) {
        switch event {
        case .past(let event): add("status", id: event.sequence, Self.body(of: event))
        case .status(let sequence): add("status", id: sequence, task.encoded())
        case .progress: add("progress", Self.progress(of: task))
        case .preview(let version): add("preview", Self.preview(of: task, version: version))
        case .end: add("end", task.encoded())
        }
    }

    /// JSON is one line.
    private mutating func add(_ name: StaticString, id: Int64? = nil, _ data: ByteBuffer) {
        if let id { buffer.writeString("id: \(id)\n") }
        buffer.writeString("event: \(name)\ndata: ")
        buffer.writeImmutableBuffer(data)
        buffer.writeString("\n\n")
    }

    private static func body(of event: TaskEvent) -> ByteBuffer {
        var json = JSONWriter(capacity: 64)
        json.object { json in
            json.key("at")
            json.moment(event.at)
            json.key("status")
            json.string(WireStatus(event.kind.status).rawValue)
        }
        return json.buffer
    }

    private static func progress(of wire: TaskWire) -> ByteBuffer {
        var json = JSONWriter(capacity: 128)
        let progress = wire.task.generation.progress
        json.object { json in
            json.key("eta_seconds")
            json.optional(wire.outlook.etaSeconds) { json, seconds in json.number(seconds) }
            json.key("stage")
            json.optional(progress) { json, progress in json.string(progress.stage.rawValue) }
            json.key("step")
            json.optional(progress) { json, progress in json.number(progress.step) }
            json.key("total_steps")
            json.optional(progress) { json, progress in json.number(progress.totalSteps) }
        }
        return json.buffer
    }

    private static func preview(of wire: TaskWire, version: Int64) -> ByteBuffer {
        var json = JSONWriter(capacity: 192)
        json.object { json in
            json.key("preview_url")
            json.string(wire.origin + RoutePath.preview(of: wire.task.id.description))
            json.key("version")
            json.number(version)
        }
        return json.buffer
    }
}
