import Results
import Scheduling
import Synchronization
import Tasks
import TestSupport

/// A service whose answers a test decides; it remembers what it was asked.
final class ScriptedVideoService: VideoService {
    struct Script: Sendable {
        var model: ModelDescription? = .fixture
        var obstacles: [Obstacle] = []
        var disposition = Submission.Disposition.queued
        /// Thrown by every call that may throw, model and obstacles excepted.
        var failure: AdmissionError?
        /// Newest first.
        var tasks: [GenerationTask] = []
        var videos: [VideoName: VideoContent] = [:]
        var variants: [VideoVariant: VideoContent] = [:]
        /// Newest first.
        var deliveries: [Delivery] = []
        var submitted: [AdmissionRequest] = []
        var lastQuery: TaskQuery?
        var lastDeliveryQuery: DeliveryQuery?
    }

    private let script: Mutex<Script>

    init(_ change: (inout Script) -> Void = { _ in }) {
        var script = Script()
        change(&script)
        self.script = Mutex(script)
    }

    var submitted: [AdmissionRequest] { script.withLock { $0.submitted } }
    var lastQuery: TaskQuery? { script.withLock { $0.lastQuery } }

    var lastDeliveryQuery: DeliveryQuery? { script.withLock { $0.lastDeliveryQuery } }

    func change(_ change: @Sendable (inout Script) -> Void) {
        script.withLock { change(&$0) }
    }

    func model() throws(AdmissionError) -> ModelDescription {
        guard let model = script.withLock({ $0.model }) else {
            throw .modelUnknown(Obstacle(code: "engine_not_startable", message: "Install the engine."))
        }
        return model
    }

    func submit(_ request: AdmissionRequest) async throws(AdmissionError) -> Submission {
        try failIfAsked()
        return script.withLock { script in
            script.submitted.append(request)
            var task = script.tasks.first ?? .fixture()
            task.generation.request = request.video
            if script.tasks.isEmpty { script.tasks = [task] }
            return Submission(task: task, disposition: script.disposition)
        }
    }

    func task(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> GenerationTask? {
        try failIfAsked()
        return script.withLock { $0.tasks.first { $0.id == id && $0.tenant == tenant } }
    }

    func tasks(matching query: TaskQuery) async throws(AdmissionError) -> TaskPage {
        try failIfAsked()
        return script.withLock { script in
            script.lastQuery = query
            let matching = script.tasks.filter { task in
                (query.status.map { $0 == task.status } ?? true) && (query.before.map { task.id < $0 } ?? true)
            }
            let page = Array(matching.prefix(query.limit))
            return TaskPage(tasks: page, next: matching.count > page.count ? page.last?.id : nil)
        }
    }

    func cancel(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome {
        try failIfAsked()
        return script.withLock { script in
            guard let index = script.tasks.firstIndex(where: { $0.id == id && $0.tenant == tenant }) else {
                return .notFound
            }
            if script.tasks[index].status.isTerminal { return .alreadyEnded(script.tasks[index]) }
            script.tasks[index].status = .cancelled
            script.tasks[index].finishedAt = Timestamp(milliseconds: 1_795_406_700_000)
            return .cancelled(script.tasks[index], abandoned: script.tasks[index].generation.id)
        }
    }

    func video(_ name: VideoName) async throws(AdmissionError) -> VideoContent? {
        try failIfAsked()
        return script.withLock { $0.videos[name] }
    }

    func variant(_ variant: VideoVariant, of name: VideoName) async throws(AdmissionError) -> VideoContent? {
        try failIfAsked()
        return script.withLock { script in script.videos[name] == nil ? nil : script.variants[variant] }
    }

    func deliveries(matching query: DeliveryQuery) async throws(AdmissionError) -> DeliveryPage {
        try failIfAsked()
        return script.withLock { script in
            script.lastDeliveryQuery = query
            let page = Array(script.deliveries.prefix(query.limit))
            return DeliveryPage(
                deliveries: page, next: script.deliveries.count > page.count ? page.last?.id.number : nil)
        }
    }

    func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(AdmissionError) -> Delivery? {
        try failIfAsked()
        return script.withLock { $0.deliveries.first { $0.id == id && $0.tenant == tenant } }
    }

    func obstacles() -> [Obstacle] {
        script.withLock { $0.obstacles }
    }

    private func failIfAsked() throws(AdmissionError) {
        if let failure = script.withLock({ $0.failure }) { throw failure }
    }
}
