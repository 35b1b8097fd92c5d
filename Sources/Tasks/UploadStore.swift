/// Whose each uploaded file is, and for how long; kept by the task store.
///
/// The files themselves lie elsewhere, under the hash of their content. `UploadStoreConformance` in the test support is
/// the precise form of this contract.
package protocol UploadStore: Sendable {
    /// Records that a tenant has uploaded a file, or, if it had already, that it is to be kept for longer.
    ///
    /// - Parameters:
    ///   - media: the file.
    ///   - tenant: whose it is now.
    ///   - lifetime: how long it is kept from now on, unless a generation still needs it then.
    ///   - quota: how many bytes a tenant may have; one upload that it has already never exceeds it.
    ///   - idempotencyKey: chosen by the client; used again for the same file it changes nothing.
    /// - Returns: the upload.
    /// - Throws: `uploadQuotaExceeded`, `idempotencyConflict`, `overloaded`, `unavailable`.
    func add(
        _ media: Media,
        of tenant: TenantID,
        lifetime: Duration,
        quota: Int64,
        idempotencyKey: String?
    ) async throws(TaskStoreError) -> Upload

    /// The upload, or `nil` if this tenant has none of that id.
    func upload(_ id: MediaID, of tenant: TenantID) async throws(TaskStoreError) -> Upload?

    /// A page of a tenant's uploads, newest first.
    func uploads(matching query: UploadQuery) async throws(TaskStoreError) -> UploadPage

    /// Removes a tenant's upload. Generations that wait for it keep the file.
    ///
    /// - Returns: whether there was one.
    func removeUpload(_ id: MediaID, of tenant: TenantID) async throws(TaskStoreError) -> Bool

    /// Removes uploads whose time is over.
    ///
    /// - Parameter limit: rows, at most.
    /// - Returns: how many there were.
    /// - Throws: `overloaded`, `unavailable`.
    func expireUploads(limit: Int) async throws(TaskStoreError) -> Int

    /// Those of the files that an upload or a generation that has not ended still needs.
    func neededMedia(of ids: [MediaID]) async throws(TaskStoreError) -> Set<MediaID>
}

extension UploadStore {
    /// The same without an idempotency key.
    package func add(
        _ media: Media,
        of tenant: TenantID,
        lifetime: Duration,
        quota: Int64
    ) async throws(TaskStoreError) -> Upload {
        try await add(media, of: tenant, lifetime: lifetime, quota: quota, idempotencyKey: nil)
    }
}

/// A file of a tenant's.
package struct Upload: Sendable, Equatable {
    package var media: Media
    package var tenant: TenantID
    package var createdAt: Timestamp
    package var expiresAt: Timestamp

    package init(media: Media, tenant: TenantID, createdAt: Timestamp, expiresAt: Timestamp) {
        self.media = media
        self.tenant = tenant
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// Which uploads to list.
package struct UploadQuery: Sendable {
    package var tenant: TenantID
    /// Only those older than this one.
    package var before: MediaID?
    package var limit: Int

    package init(tenant: TenantID, before: MediaID? = nil, limit: Int) {
        self.tenant = tenant
        self.before = before
        self.limit = limit
    }
}

/// A page of uploads, newest first.
package struct UploadPage: Sendable, Equatable {
    package var uploads: [Upload]
    /// `before` of the next page; `nil` if this is the last.
    package var next: MediaID?

    package init(uploads: [Upload], next: MediaID?) {
        self.uploads = uploads
        self.next = next
    }
}
