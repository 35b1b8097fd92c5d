package import Tasks

/// Why a key was not made or changed.
package enum KeyError: Error, Sendable, Equatable {
    case rejected(RequestRejection)
    case notFound
    /// It was revoked, which is for good.
    case revoked
    /// Nobody could administer the server if this were so.
    case firstKeyMustBeAdmin
    /// Nobody could administer the server any more.
    case lastAdminKey
    case store(TaskStoreError)
}
