import NIOCore
import Results
import Scheduling
import Tasks

/// A task as clients see it.
///
/// Every field is always there; what has no value is `null`.
struct TaskWire: Equatable {
    let task: GenerationTask
    /// What stands in front of our paths.
    let origin: String
    /// What keeps the server from working, if something does; shown while the task waits.
    let obstacle: Obstacle?
    /// When it is likely to be served.
    let outlook: TaskOutlook
    /// What is put behind the addresses of the video; empty where videos need no link.
    private let linkQuery: String
    /// Whether it says whose it is.
    private let showsOwner: Bool

    /// - Parameters:
    ///   - task: what to show.
    ///   - origin: what stands in front of our paths.
    ///   - obstacle: what keeps the server from working.
    ///   - outlook: when it is likely to be served.
    ///   - links: makes the addresses of videos good for a while; `nil` where they need nothing.
    ///   - showsOwner: whether it says whose it is: two members more.
    init(
        task: GenerationTask,
        origin: String,
        obstacle: Obstacle?,
        outlook: TaskOutlook = .none,
        links: VideoLinks?,
        showsOwner: Bool = false
    ) {
        self.task = task
        self.showsOwner = showsOwner
        self.origin = origin
        self.obstacle = obstacle
        self.outlook = outlook.shown(for: task.status)
        linkQuery =
            if let links, task.status == .succeeded, let result = task.generation.result {
                links.query(for: result.video, expiry: links.expiry)
            } else {
                ""
            }
    }

    /// The body, keys sorted.
    func encoded() -> ByteBuffer {
        var json = JSONWriter(capacity: 1536)
        let id = task.id.description
        let url = origin + RoutePath.task(id)
        let generation = task.generation
        let status = WireStatus(task.status)
        let result = status == .success ? generation.result : nil
        let degradation = result == nil ? nil : Degradation(of: generation)
        json.object { json in
            json.key("attempts")
            json.number(generation.attempts)
            json.key("cached")
            json.bool(task.isCached)
            json.key("callback_events")
            json.optional(task.callback) { json, callback in json.events(callback.events) }
            json.key("callback_url")
            json.optional(task.callback) { json, callback in json.string(callback.url.text) }
            json.key("created_at")
            json.moment(task.createdAt)
            json.key("degradation")
            json.degradation(degradation)
            json.key("degraded")
            json.bool(degradation != nil)
            json.key("deterministic")
            json.bool(generation.isDeterministic)
            json.key("error")
            json.reason(status == .failed ? generation.failure.map { ($0.code, $0.message) } : nil)
            json.key("eta_seconds")
            json.optional(outlook.etaSeconds) { json, seconds in json.number(seconds) }
            json.key("finished_at")
            json.moment(task.finishedAt)
            if showsOwner {
                json.key("key_id")
                json.optional(task.accessKey) { json, id in json.string(id.rawValue) }
            }
            json.key("memory_mode")
            json.optional(result?.memoryMode) { json, mode in json.string(mode.rawValue) }
            json.key("model")
            json.string(generation.model)
            json.key("preview_url")
            json.optional(status == .running ? id : nil) { json, id in
                json.string(origin + RoutePath.preview(of: id))
            }
            json.key("priority")
            json.string(TaskPriority(rank: generation.priority).rawValue)
            json.key("progress")
            json.progress(status == .running ? generation.progress : nil)
            json.key("queue_position")
            json.optional(outlook.queuePosition) { json, position in json.number(position) }
            json.key("rendered_size")
            json.optional(result) { json, result in json.size(result.renderedWidth, result.renderedHeight) }
            json.key("request")
            json.request(generation.request)
            json.key("seed")
            json.optional(result == nil ? nil : generation.seed) { json, seed in json.number(seed) }
            json.key("started_at")
            json.moment(startedAt)
            json.key("status")
            json.string(status.rawValue)
            json.key("task_id")
            json.string(id)
            json.key("task_url")
            json.string(url)
            if showsOwner {
                json.key("tenant")
                json.string(task.tenant.rawValue)
            }
            json.key("video")
            json.optional(result) { json, result in json.video(result, self) }
            json.key("video_url")
            json.optional(result) { json, result in json.string(address(RoutePath.video(result.video))) }
            json.key("waiting")
            json.reason(status == .pending ? waiting : nil)
        }
        return json.buffer
    }

    fileprivate func address(_ path: String) -> String { origin + path + linkQuery }

    /// A cancelled task does not tell of work that began for others afterwards.
    private var startedAt: Timestamp? {
        guard let started = task.generation.startedAt else { return nil }
        if task.status == .cancelled, let finished = task.finishedAt, started > finished { return nil }
        return started
    }

    private var waiting: (code: String, message: String)? {
        if let obstacle { return (obstacle.code, obstacle.message) }
        return task.generation.failure.map { ($0.code, $0.message) }
    }
}

extension TaskOutlook {
    /// What of it is told of a task in this status.
    ///
    /// Rounded here already, so that equal bodies are known to be equal.
    fileprivate func shown(for status: TaskStatus) -> TaskOutlook {
        guard !status.isTerminal else { return .none }
        return TaskOutlook(
            queuePosition: status == .queued ? queuePosition : nil,
            etaSeconds: etaSeconds?.asPrediction
        )
    }
}

extension JSONWriter {
    fileprivate mutating func events(_ events: Set<CallbackEvent>) {
        array { json in
            for event in CallbackEvent.allCases where events.contains(event) { json.string(event.rawValue) }
        }
    }

    fileprivate mutating func video(_ result: GenerationResult, _ wire: TaskWire) {
        func address(_ variant: VideoVariant) -> String {
            wire.address(RoutePath.variant(variant, of: result.video))
        }
        object { json in
            json.key("bytes")
            json.number(result.bytes)
            json.key("duration_seconds")
            json.number(Double(result.numFrames) / Double(result.fps))
            json.key("expired_at")
            json.moment(result.expiredAt)
            json.key("fps")
            json.number(result.fps)
            json.key("height")
            json.number(result.height)
            json.key("num_frames")
            json.number(result.numFrames)
            json.key("poster_url")
            json.string(address(.posterJPEG))
            json.key("preview_url")
            json.string(address(.previewGIF))
            json.key("sha256")
            json.string(result.video)
            json.key("sprites_url")
            json.string(address(.sprites))
            json.key("width")
            json.number(result.width)
        }
    }
}
