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
        /// Of every task that has not ended.
        var outlook = TaskOutlook.none
        var devices: [DeviceStatus] = []
        var queue = QueueStatus(waiting: 0, running: 0)
        var scale = ScaleStatus()
        /// What was asked of devices, in order; `nil`: of the server.
        var drained: [(device: String?, isDraining: Bool)] = []
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
        var estimate = Estimate(model: "fixture", deviceSeconds: 41.46)
        var estimated: [AdmissionRequest] = []
        var lastQuery: TaskQuery?
        /// Of every task, in order.
        var events: [TaskEvent] = []
        var usage: [TenantUsage] = []
        /// Those whose engines were told to give up their models.
        var unloaded: [String] = []
        var lastDeliveryQuery: DeliveryQuery?
    }

    private let script: Mutex<Script>
    let uploads: ScriptedUploads
    private let signs = Mutex<[TaskID: [AsyncStream<Void>.Continuation]]>([:])

    init(uploads: ScriptedUploads = ScriptedUploads(), _ change: (inout Script) -> Void = { _ in }) {
        var script = Script()
        change(&script)
        self.uploads = uploads
        self.script = Mutex(script)
    }

    var submitted: [AdmissionRequest] { script.withLock { $0.submitted } }
    var estimated: [AdmissionRequest] { script.withLock { $0.estimated } }
    var lastQuery: TaskQuery? { script.withLock { $0.lastQuery } }

    var drained: [(device: String?, isDraining: Bool)] { script.withLock { $0.drained } }
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

    func estimate(_ request: AdmissionRequest) async throws(AdmissionError) -> Estimate {
        try failIfAsked()
        return script.withLock { script in
            script.estimated.append(request)
            return script.estimate
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
            let ordered = query.isAscending ? script.tasks.reversed() : script.tasks
            let matching = ordered.filter { task in
                (query.status.map { $0 == task.status } ?? true)
                    && (query.before.map { query.isAscending ? task.id > $0 : task.id < $0 } ?? true)
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

    func remove(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome {
        let outcome = try await cancel(id, of: tenant)
        script.withLock { script in script.tasks.removeAll { $0.id == id && $0.tenant == tenant } }
        return outcome
    }

    func owner(of id: TaskID) async throws(AdmissionError) -> TenantID? {
        try failIfAsked()
        return script.withLock { $0.tasks.first { $0.id == id }?.tenant }
    }

    func setPriority(
        _ priority: TaskPriority,
        of id: TaskID,
        of tenant: TenantID
    ) async throws(AdmissionError) -> GenerationTask? {
        try failIfAsked()
        return script.withLock { script in
            guard let index = script.tasks.firstIndex(where: { $0.id == id && $0.tenant == tenant }) else { return nil }
            script.tasks[index].generation.priority = priority.rank
            return script.tasks[index]
        }
    }

    func usage() async throws(AdmissionError) -> [TenantUsage] {
        try failIfAsked()
        return script.withLock { $0.usage }
    }

    /// Whether somebody has watched a task.
    func wasWatched(_ id: TaskID) -> Bool {
        signs.withLock { $0[id] != nil }
    }

    func changes(of id: TaskID) -> AsyncStream<Void> {
        signs.withLock { signs in
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            signs[id, default: []].append(continuation)
            return stream
        }
    }

    /// Changes what the service answers, and says so to whoever watches a task.
    func change(_ id: TaskID, _ change: @Sendable (inout Script) -> Void) {
        script.withLock { change(&$0) }
        for sign in signs.withLock({ $0[id] ?? [] }) { sign.yield() }
    }

    func events(
        of id: TaskID,
        of tenant: TenantID,
        after sequence: Int64,
        limit: Int
    ) async throws(AdmissionError) -> [TaskEvent] {
        try failIfAsked()
        return script.withLock { script in
            let found = script.events.filter { $0.task == id && $0.tenant == tenant && $0.sequence > sequence }
            return Array(found.prefix(limit))
        }
    }

    func owns(_ tenant: TenantID, video: VideoName) async throws(AdmissionError) -> Bool {
        try failIfAsked()
        return script.withLock { script in
            script.tasks.contains { $0.tenant == tenant && $0.generation.result?.video == video.hex }
        }
    }

    func unload(device: String) throws(AdmissionError) {
        guard script.withLock({ $0.devices.contains { $0.id == device } }) else { throw .deviceUnknown }
        script.withLock { $0.unloaded.append(device) }
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

    func previewVersion(of task: GenerationTask) async throws(AdmissionError) -> Int64? {
        try failIfAsked()
        return script.withLock { $0.previews[task.id]?.version }
    }

    func newUpload(by caller: Caller) async throws(AdmissionError) -> any UploadSink {
        try failIfAsked()
        return uploads.newUpload(of: caller.tenant)
    }

    func fetchUpload(from url: CallbackURL, by caller: Caller) async throws(AdmissionError) -> Upload {
        try failIfAsked()
        return try uploads.fetch(url, of: caller.tenant)
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

    func outlook(for task: GenerationTask) -> TaskOutlook {
        script.withLock { $0.outlook }
    }

    func devices() -> [DeviceStatus] {
        script.withLock { $0.devices }
    }

    func queueStatus() async throws(AdmissionError) -> QueueStatus {
        try failIfAsked()
        return script.withLock { $0.queue }
    }

    func scale() async throws(AdmissionError) -> ScaleStatus {
        try failIfAsked()
        return script.withLock { $0.scale }
    }

    func setDraining(_ isDraining: Bool, device: String?) throws(AdmissionError) {
        try failIfAsked()
        let isKnown = script.withLock { script in
            script.drained.append((device, isDraining))
            guard let device else {
                script.queue.isDraining = isDraining
                return true
            }
            guard let index = script.devices.firstIndex(where: { $0.id == device }) else { return false }
            script.devices[index].state = isDraining ? .draining : .ready
            return true
        }
        if !isKnown { throw .deviceUnknown }
    }

    private func failIfAsked() throws(AdmissionError) {
        if let failure = script.withLock({ $0.failure }) { throw failure }
    }
}
