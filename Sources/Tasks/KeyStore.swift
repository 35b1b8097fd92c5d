package import Foundation

/// Where keys live; kept by the task store, so that every replica knows the same ones.
///
/// `KeyStoreConformance` in the test support is the precise form of this contract.
package protocol KeyStore: Sendable {
    /// Adds a key.
    ///
    /// - Parameters:
    ///   - key: its id must be new.
    ///   - idempotency: makes a repeated call return the first one's key, with `isNew` false, and nothing is added.
    ///   - tenant: who calls, for whom `idempotency` counts.
    ///   - limit: how many keys there may be, revoked ones included.
    /// - Returns: the key as stored.
    /// - Throws: `tooManyKeys`, `idempotencyConflict`, `overloaded`, `unavailable`.
    func add(
        _ key: AccessKey,
        idempotency: NewTask.Idempotency?,
        of tenant: TenantID,
        limit: Int
    ) async throws(TaskStoreError) -> (key: AccessKey, isNew: Bool)

    /// Every key, the newest first, revoked and expired ones included.
    func keys() async throws(TaskStoreError) -> [AccessKey]

    /// Changes a key, atomically.
    ///
    /// - Returns: the key after the change; `nil` if there is none of that id.
    /// - Throws: `overloaded`, `unavailable`.
    func change(_ id: KeyID, _ change: KeyChange) async throws(TaskStoreError) -> AccessKey?

    /// Gives a sign whenever keys may have changed through something that this process wrote.
    ///
    /// Signs that are not read in time become one.
    func keyChanges() -> AsyncStream<Void>
}

/// What can be done to a key.
package enum KeyChange: Sendable, Equatable {
    /// It opens nothing from now on. A key that was revoked before keeps its moment.
    case revoke
    /// Takes a new secret in; the newest one so far goes on for a while, older ones not.
    case rotate(hash: Data, grace: Duration)
    /// Takes a new secret for callbacks in; the newest one so far is signed with as well until the next rotation.
    case rotateCallbackSecret(String)
    /// Sets what is not `nil`.
    case edit(KeyEdit)
}

/// New values for what may be edited of a key; `nil` leaves what is there.
package struct KeyEdit: Sendable, Equatable {
    package var name: String?
    package var scopes: Set<Scope>?
    package var maxPriority: TaskPriority?
    package var weight: Double?
    /// All limits at once.
    package var limits: KeyLimits?
    /// The inner `nil`: never.
    package var expiresAt: Timestamp??

    package init(
        name: String? = nil,
        scopes: Set<Scope>? = nil,
        maxPriority: TaskPriority? = nil,
        weight: Double? = nil,
        limits: KeyLimits? = nil,
        expiresAt: Timestamp?? = nil
    ) {
        self.name = name
        self.scopes = scopes
        self.maxPriority = maxPriority
        self.weight = weight
        self.limits = limits
        self.expiresAt = expiresAt
    }
}

extension AccessKey {
    /// The key after a change: the one place where changes are decided, for every store.
    package func after(_ change: KeyChange, at now: Timestamp) -> AccessKey {
        var key = self
        switch change {
        case .revoke:
            key.revokedAt = key.revokedAt ?? now
        case .rotate(let hash, let grace):
            let end = now.advanced(by: grace)
            let previous = key.secrets.prefix(1).map { secret in
                Secret(hash: secret.hash, validUntil: min(secret.validUntil ?? end, end))
            }
            key.secrets = [Secret(hash: hash)] + previous
        case .rotateCallbackSecret(let secret):
            key.callbackSecrets = [secret] + key.callbackSecrets.prefix(1)
        case .edit(let edit):
            key.name = edit.name ?? key.name
            key.scopes = edit.scopes ?? key.scopes
            key.maxPriority = edit.maxPriority ?? key.maxPriority
            key.weight = edit.weight ?? key.weight
            key.limits = edit.limits ?? key.limits
            if let expiresAt = edit.expiresAt { key.expiresAt = expiresAt }
        }
        return key
    }
}
