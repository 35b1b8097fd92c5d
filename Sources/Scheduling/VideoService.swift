package import Results
package import Tasks

/// What every door of the server opens onto: submit, look, list, cancel.
///
/// The doors decide nothing.
package protocol VideoService: Sendable {
    /// The models that requests are parsed against, and what goes with them.
    ///
    /// - Throws: `modelUnknown` while no engine has ever described them.
    func catalog() throws(AdmissionError) -> ModelCatalog

    /// Accepts a request. Once this returns, the task outlives any crash.
    ///
    /// - Throws: `refused`, `modelUnknown`, `store`.
    func submit(_ request: AdmissionRequest) async throws(AdmissionError) -> Submission

    /// What would become of a request if it were submitted now; stores nothing.
    ///
    /// - Throws: `modelUnknown`, `store`; that it would be refused is part of the answer.
    func estimate(_ request: AdmissionRequest) async throws(AdmissionError) -> Estimate

    /// The task, or `nil` if this tenant has none of that id.
    func task(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> GenerationTask?

    /// A page of tasks, newest first.
    func tasks(matching query: TaskQuery) async throws(AdmissionError) -> TaskPage

    /// Cancels a task; the device stops within one step if no other task wants the video.
    func cancel(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome

    /// Cancels a task that has not ended, and takes it out of its tenant's sight.
    func remove(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome

    /// Whose a task is; `nil` if there is none of that id.
    func owner(of id: TaskID) async throws(AdmissionError) -> TenantID?

    /// Sets how urgent a task's generation is; one that runs or has ended stays as it is.
    ///
    /// - Returns: the task; `nil` if this tenant has none of that id.
    func setPriority(
        _ priority: TaskPriority,
        of id: TaskID,
        of tenant: TenantID
    ) async throws(AdmissionError) -> GenerationTask?

    /// What every tenant has under way and has had today.
    func usage() async throws(AdmissionError) -> [TenantUsage]

    /// Signs that a task may have changed, its progress included; those that are not read in time become one.
    func changes(of id: TaskID) -> AsyncStream<Void>

    /// What happened to a task after a sequence number, oldest first.
    func events(
        of id: TaskID,
        of tenant: TenantID,
        after sequence: Int64,
        limit: Int
    ) async throws(AdmissionError) -> [TaskEvent]

    /// Whether a video is the result of one of a tenant's tasks.
    func owns(_ tenant: TenantID, video: VideoName) async throws(AdmissionError) -> Bool

    /// A finished video, open for reading, or `nil` if there never was one of that name.
    ///
    /// - Throws: `videoExpired` if there was one.
    func video(_ name: VideoName) async throws(AdmissionError) -> VideoContent?

    /// Something made from a finished video, made now if it is not there yet; `nil` if there never was such a video.
    ///
    /// - Throws: `videoExpired`, `variantUnavailable`.
    func variant(_ variant: VideoVariant, of name: VideoName) async throws(AdmissionError) -> VideoContent?

    /// A page of deliveries, newest first.
    func deliveries(matching query: DeliveryQuery) async throws(AdmissionError) -> DeliveryPage

    /// Sends a delivery again, from its first attempt on; `nil` if this tenant has none of that id.
    func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(AdmissionError) -> Delivery?

    /// What a running task's video looks like so far; `nil` if there is no such task or nothing to see of it.
    func preview(of id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> Preview?

    /// The version of what a running task's preview would be now, without reading it; `nil` if there is none.
    func previewVersion(of task: GenerationTask) async throws(AdmissionError) -> Int64?

    /// Takes a file from a client, part by part.
    func newUpload(by caller: Caller) async throws(AdmissionError) -> any UploadSink

    /// Fetches a file from an address that a client gave, and keeps it as an upload.
    func fetchUpload(from url: CallbackURL, by caller: Caller) async throws(AdmissionError) -> Upload

    /// The upload, or `nil` if this tenant has none of that id.
    func upload(_ id: MediaID, of tenant: TenantID) async throws(AdmissionError) -> Upload?

    /// A page of a tenant's uploads, newest first.
    func uploads(matching query: UploadQuery) async throws(AdmissionError) -> UploadPage

    /// Removes an upload; generations that wait for it keep the file. `false` if this tenant has none of that id.
    func removeUpload(_ id: MediaID, of tenant: TenantID) async throws(AdmissionError) -> Bool

    /// What keeps the server from making videos now; empty when it can. Never waits.
    func obstacles() -> [Obstacle]

    /// What keeps the server from accepting requests; empty when it can. Never waits.
    func unreadiness() -> [Obstacle]

    /// When a task is likely to be served; cheap, and never waits.
    ///
    /// Says nothing of a task that has ended.
    func outlook(for task: GenerationTask) -> TaskOutlook

    /// The devices of this server in the order of its settings, as they were last seen; of several processes those of
    /// all. Never waits.
    func devices() -> [DeviceStatus]

    /// What waits and what runs.
    func queueStatus() async throws(AdmissionError) -> QueueStatus

    /// How much there is to do, and how many devices should be there for it.
    func scale() async throws(AdmissionError) -> ScaleStatus

    /// Starts no more work, or starts work again; what runs goes on, and what was accepted waits.
    ///
    /// Setting what is set already changes nothing. It does not outlive the process that has the device; of several
    /// processes, what was said of the whole server counts also for those that come later.
    ///
    /// - Parameters:
    ///   - isDraining: whether no more work is started.
    ///   - device: the id of one device; `nil`: the whole server, whatever was said of its devices.
    /// - Throws: `deviceUnknown`; `store` where other processes cannot be told.
    func setDraining(_ isDraining: Bool, device: String?) async throws(AdmissionError)

    /// Lets the idle engines of a device give up their models, and with them the device's memory.
    ///
    /// An engine that works keeps its own until it is idle; the next work loads one again.
    ///
    /// - Throws: `deviceUnknown`; `store` where another process has the device and cannot be told.
    func unload(device: String) async throws(AdmissionError)
}

extension VideoService {
    /// Where nothing else is said, a server accepts requests once it can make videos.
    package func unreadiness() -> [Obstacle] { obstacles() }
}

/// A file on its way in.
///
/// One of `finish` and `abandon` ends it; nothing is left of one that was not finished.
package protocol UploadSink: Sendable {
    /// Takes the next part.
    ///
    /// - Throws: `uploadTooLarge`, `results`.
    func write(_ part: [UInt8]) async throws(AdmissionError)

    /// Looks into the file and keeps it.
    ///
    /// - Parameter idempotencyKey: chosen by the client; good for this very file alone.
    /// - Returns: the upload.
    /// - Throws: `mediaRefused`, `mediaUnavailable`, `store`, `results`; the file is then gone.
    func finish(idempotencyKey: String?) async throws(AdmissionError) -> Upload

    /// Drops what has come.
    func abandon() async
}

/// A small moving picture of a video that is being made.
package struct Preview: Sendable, Equatable {
    /// An animated WebP.
    package var bytes: [UInt8]
    /// Rises with every new one of this task; for an entity tag.
    package var version: Int64

    package init(bytes: [UInt8], version: Int64) {
        self.bytes = bytes
        self.version = version
    }
}

/// A request that is to be accepted.
package struct AdmissionRequest: Sendable {
    package var caller: Caller
    package var video: VideoRequest
    /// The name of the model that the video was parsed for.
    package var model: String
    package var priority: TaskPriority
    /// The client's `Idempotency-Key`.
    package var idempotencyKey: String?
    package var cache: CacheUse
    package var callback: Callback?
    /// Whether it runs alone, because a pass with others may make other pixels in the last digit.
    package var isDeterministic: Bool
    /// The task whose video it is another version of.
    package var remixedFrom: TaskID?
    /// What the request belongs to; `nil`: no trace.
    package var trace: TraceContext?

    package init(
        caller: Caller,
        video: VideoRequest,
        model: String,
        priority: TaskPriority = .normal,
        idempotencyKey: String? = nil,
        cache: CacheUse = .use,
        callback: Callback? = nil,
        isDeterministic: Bool = false,
        remixedFrom: TaskID? = nil,
        trace: TraceContext? = nil
    ) {
        self.caller = caller
        self.video = video
        self.model = model
        self.priority = priority
        self.idempotencyKey = idempotencyKey
        self.cache = cache
        self.callback = callback
        self.isDeterministic = isDeterministic
        self.remixedFrom = remixedFrom
        self.trace = trace
    }
}

/// Something that keeps tasks waiting.
package struct Obstacle: Sendable, Equatable {
    /// Stable, snake_case.
    package var code: String
    /// For people; says what to do.
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// Why the service could not do what it was asked.
package enum AdmissionError: Error, Sendable, Equatable {
    /// No engine has described the model yet, so that no request can be judged.
    case modelUnknown(Obstacle)
    /// More waits than may; `code` is `queue_full` or `wait_too_long`. After `retryAfter` there is likely to be room.
    case refused(code: String, message: String, retryAfter: Duration)
    /// The server has no device of that id.
    case deviceUnknown
    /// The video was made, and let go since: an equal request makes it anew.
    case videoExpired
    /// Nothing can be made from a video now; `code` is stable.
    case variantUnavailable(code: String)
    /// A file has more bytes than an upload may.
    case uploadTooLarge(limit: Int64)
    /// A file can never be used: it is no picture and no video, or too large to decode; `code` is stable.
    case mediaRefused(code: String, message: String)
    /// A file cannot be looked into now; `code` is stable.
    case mediaUnavailable(code: String)
    /// A file could not be fetched.
    case mediaFetch(MediaFetchError)
    case store(TaskStoreError)
    case results(ResultStoreError)
}
