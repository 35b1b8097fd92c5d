package import Tasks

/// The server as the bridge needs it: to have videos made as over HTTP, to look, to cancel.
package protocol CelerySubmissions: Sendable {
    /// Submits a request, exactly as `POST /api/v1/generate` would.
    ///
    /// - Parameters:
    ///   - body: the request in JSON.
    ///   - idempotencyKey: the same key with the same request is the same task.
    /// - Returns: what became of it.
    func submit(_ body: [UInt8], idempotencyKey: String) async -> CelerySubmission

    /// A task; `nil` if the tenant has none of that id any more.
    ///
    /// - Throws: if the store does not answer.
    func sight(of id: TaskID, _ tenant: TenantID) async throws(CeleryUnavailable) -> CelerySight?

    /// Signs that a task may have changed, its progress included; those that are not read in time become one.
    func changes(of id: TaskID) -> AsyncStream<Void>

    /// Cancels a task that has not ended.
    ///
    /// - Throws: if the store does not answer.
    func cancel(_ id: TaskID, of tenant: TenantID) async throws(CeleryUnavailable)
}

/// What became of a submission.
package enum CelerySubmission: Sendable, Equatable {
    /// It outlives any crash from here on.
    case accepted(TaskID, TenantID)
    /// The same request would be refused again.
    case refused(CeleryException)
    /// The key belongs to another request.
    case conflict(CeleryException)
    /// Not now: the queue is full, a limit is reached, a part of the server is not there.
    case later(code: String, after: Duration)
}

/// The server could not say what was asked.
package struct CeleryUnavailable: Error, Equatable {
    /// Stable, snake_case.
    package var code: String

    package init(code: String) {
        self.code = code
    }
}
