package import Results
package import Tasks

/// What every door of the server opens onto: submit, look, list, cancel.
///
/// The doors decide nothing.
package protocol VideoService: Sendable {
    /// The model that requests are parsed against.
    ///
    /// - Throws: `modelUnknown` while no engine has ever described it.
    func model() throws(AdmissionError) -> ModelDescription

    /// Accepts a request. Once this returns, the task outlives any crash.
    func submit(_ request: AdmissionRequest) async throws(AdmissionError) -> Submission

    /// The task, or `nil` if this tenant has none of that id.
    func task(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> GenerationTask?

    /// A page of a tenant's tasks, newest first.
    func tasks(matching query: TaskQuery) async throws(AdmissionError) -> TaskPage

    /// Cancels a task; the device stops within one step if no other task wants the video.
    func cancel(_ id: TaskID, of tenant: TenantID) async throws(AdmissionError) -> CancelOutcome

    /// A finished video, open for reading, or `nil` if there never was one of that name.
    ///
    /// - Throws: `videoExpired` if there was one.
    func video(_ name: VideoName) async throws(AdmissionError) -> VideoContent?

    /// Something made from a finished video, made now if it is not there yet; `nil` if there never was such a video.
    ///
    /// - Throws: `videoExpired`, `variantUnavailable`.
    func variant(_ variant: VideoVariant, of name: VideoName) async throws(AdmissionError) -> VideoContent?

    /// A page of a tenant's deliveries, newest first.
    func deliveries(matching query: DeliveryQuery) async throws(AdmissionError) -> DeliveryPage

    /// Sends a delivery again, from its first attempt on; `nil` if this tenant has none of that id.
    func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(AdmissionError) -> Delivery?

    /// What keeps the server from making videos now; empty when it can. Never waits.
    func obstacles() -> [Obstacle]
}

/// A request that is to be accepted.
package struct AdmissionRequest: Sendable {
    package var tenant: TenantID
    package var video: VideoRequest
    /// The client's `Idempotency-Key`.
    package var idempotencyKey: String?
    package var cache: CacheUse
    package var callback: Callback?

    package init(
        tenant: TenantID,
        video: VideoRequest,
        idempotencyKey: String? = nil,
        cache: CacheUse = .use,
        callback: Callback? = nil
    ) {
        self.tenant = tenant
        self.video = video
        self.idempotencyKey = idempotencyKey
        self.cache = cache
        self.callback = callback
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
    /// The video was made, and let go since: an equal request makes it anew.
    case videoExpired
    /// Nothing can be made from a video now; `code` is stable.
    case variantUnavailable(code: String)
    case store(TaskStoreError)
    case results(ResultStoreError)
}
