import Results
import Scheduling
import Synchronization
import Tasks
import TestSupport

/// A service whose answers a test decides; it remembers what it was asked.
final class ScriptedVideoService: VideoService {
    struct Script: Sendable {
        var catalog: ModelCatalog? = ModelCatalog(models: [.fixture])
        var obstacles: [Obstacle] = []
        var disposition = Submission.Disposition.queued
        /// Thrown by every call that may throw, catalog and obstacles excepted.
        var failure: AdmissionError?
        /// Newest first.
        var tasks: [GenerationTask] = []
        var videos: [VideoName: VideoContent] = [:]
        var variants: [VideoVariant: VideoContent] = [:]
        /// Newest first.
        var deliveries: [Delivery] = []
        var previews: [TaskID: Preview] = [:]
        var submitted: [AdmissionRequest] = []
        var lastQuery: TaskQuery?
        var lastDeliveryQuery: DeliveryQuery?
    }

    private let script: Mutex<Script>
    let uploads: ScriptedUploads

    init(uploads: ScriptedUploads = ScriptedUploads(), _ change: (inout Script) -> Void = { _ in }) {
        var script = Script()
        change(&script)
        self.uploads = uploads
        self.script = Mutex(script)
    }

    var submitted: [AdmissionRequest] { script.withLock { $0.submitted } }
    var lastQuery: TaskQuery? { script.withLock { $0.lastQuery } }

    var lastDeliveryQuery: DeliveryQuery? { script.withLock { $0.lastDeliveryQuery } }

    func change(_ change: @Sendable (inout Script) -> Void) {
        script.withLock { change(&$0) }
    }

    func catalog() throws(AdmissionError) -> ModelCatalog {
        guard let catalog = script.withLock({ $0.catalog }) else {
            throw .modelUnknown(Obstacle(code: "engine_not_startable", message: "Install the engine."))
        }
        return catalog
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

    func preview(of id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> Preview? {
        try failIfAsked()
        return script.withLock { $0.previews[id] }
    }

    func newUpload(of tenant: TenantID) async throws(AdmissionError) -> any UploadSink {
        try failIfAsked()
        return uploads.newUpload(of: tenant)
    }

    func fetchUpload(from url: CallbackURL, of tenant: TenantID) async throws(AdmissionError) -> Upload {
        try failIfAsked()
        return try uploads.fetch(url, of: tenant)
    }

    func upload(_ id: MediaID, of tenant: TenantID) async throws(AdmissionError) -> Upload? {
        try failIfAsked()
        return uploads.now.kept.first { $0.media.id == id && $0.tenant == tenant }
    }

    func uploads(matching query: UploadQuery) async throws(AdmissionError) -> UploadPage {
        try failIfAsked()
        return uploads.change { state in
            state.lastQuery = query
            let matching = state.kept.filter { upload in
                upload.tenant == query.tenant && (query.before.map { upload.media.id < $0 } ?? true)
            }
            let page = Array(matching.prefix(query.limit))
            return UploadPage(uploads: page, next: matching.count > page.count ? page.last?.media.id : nil)
        }
    }

    func removeUpload(_ id: MediaID, of tenant: TenantID) async throws(AdmissionError) -> Bool {
        try failIfAsked()
        return uploads.change { state in
            let count = state.kept.count
            state.kept.removeAll { $0.media.id == id && $0.tenant == tenant }
            return state.kept.count < count
        }
    }

    func obstacles() -> [Obstacle] {
        script.withLock { $0.obstacles }
    }

    private func failIfAsked() throws(AdmissionError) {
        if let failure = script.withLock({ $0.failure }) { throw failure }
    }
}
