import Crypto
import Foundation
package import Tasks

/// Makes, shows and changes keys.
///
/// A change counts here from the moment that it returns; in other processes within seconds.
package struct KeyAdministration: Sendable {
    private let store: any KeyStore
    private let ring: KeyRing
    private let settings: AccessSettings
    private let clock: any ServiceClock
    private let turns = Turns()

    /// - Parameters:
    ///   - store: where keys are kept.
    ///   - ring: reads them again after every change.
    ///   - settings: how many there may be, and whether there is one in the settings.
    ///   - clock: wall time, for records and for what expires.
    package init(store: any KeyStore, ring: KeyRing, settings: AccessSettings, clock: any ServiceClock) {
        self.store = store
        self.ring = ring
        self.settings = settings
        self.clock = clock
    }

    /// A key with what is shown of it once.
    package struct Issued: Sendable {
        package var key: AccessKey
        /// `nil`: it was shown before, and is not known any more.
        package var text: KeyText?
        package var callbackSecret: String?
        /// Whether it was made by this very call.
        package var isNew: Bool
    }

    /// Makes a key.
    ///
    /// - Parameters:
    ///   - draft: what is wanted.
    ///   - violations: what is wrong already.
    ///   - idempotencyKey: makes a repeated call return the first one's key, without its text.
    ///   - tenant: who calls, for whom `idempotencyKey` counts.
    /// - Returns: the key; its text and its secret are kept nowhere.
    /// - Throws: `rejected`, `firstKeyMustBeAdmin`, `store`.
    package func create(
        _ draft: KeyDraft,
        after violations: [Violation] = [],
        idempotencyKey: String? = nil,
        for tenant: TenantID = .standard
    ) async throws(KeyError) -> Issued {
        let text = KeyText()
        var check = KeyCheck(after: violations, at: clock.wallTime())
        var key: AccessKey
        do { key = try check.key(draft, id: text.id) } catch { throw .rejected(error) }
        let callbackSecret = draft.wantsCallbackSecret ? Self.newCallbackSecret() : nil
        key.secrets = [AccessKey.Secret(hash: text.hash)]
        key.callbackSecrets = callbackSecret.map { [$0] } ?? []
        let idempotency = idempotencyKey.map {
            NewTask.Idempotency(
                key: $0,
                fingerprint: SHA256.hash(data: Data("key\n\(draft.canonical)".utf8)).map {
                    String(format: "%02x", $0)
                }.joined()
            )
        }
        return try await changing { [key] () async throws(KeyError) in
            if !key.scopes.contains(.admin), !(try await hasAdmin()) { throw .firstKeyMustBeAdmin }
            do throws(TaskStoreError) {
                let added = try await store.add(key, idempotency: idempotency, of: tenant, limit: settings.maxKeys)
                return Issued(
                    key: added.key,
                    text: added.isNew ? text : nil,
                    callbackSecret: added.isNew ? callbackSecret : nil,
                    isNew: added.isNew
                )
            } catch {
                throw .store(error)
            }
        }
    }

    /// Every key, the newest first.
    package func keys() async throws(KeyError) -> [AccessKey] {
        do { return try await store.keys() } catch { throw .store(error) }
    }

    /// One key.
    ///
    /// - Throws: `notFound`, `store`.
    package func key(_ id: KeyID) async throws(KeyError) -> AccessKey {
        guard let key = try await keys().first(where: { $0.id == id }) else { throw .notFound }
        return key
    }

    /// Changes what may be changed of a key.
    ///
    /// - Throws: `rejected`, `notFound`, `revoked`, `lastAdminKey`, `store`.
    package func edit(
        _ id: KeyID,
        _ draft: KeyDraft,
        after violations: [Violation] = []
    ) async throws(KeyError) -> AccessKey {
        var check = KeyCheck(after: violations, at: clock.wallTime())
        let edit: KeyEdit
        do { edit = try check.edit(draft) } catch { throw .rejected(error) }
        return try await changing { () async throws(KeyError) in
            let key = try await living(id)
            try await keepAdmin(key, becoming: key.after(.edit(edit), at: clock.wallTime()))
            return try await change(id, .edit(edit))
        }
    }

    /// Gives a key a new secret; the one so far goes on for a while.
    ///
    /// - Parameters:
    ///   - id: of the key.
    ///   - graceSeconds: how long that is.
    ///   - isOfCallbacks: whether it also gets a new secret for callbacks, or its first one.
    ///   - violations: what is wrong already.
    /// - Returns: the key with what is shown once.
    /// - Throws: `rejected`, `notFound`, `revoked`, `store`.
    package func rotate(
        _ id: KeyID,
        graceSeconds: Int = 86_400,
        withCallbackSecret isOfCallbacks: Bool = false,
        after violations: [Violation] = []
    ) async throws(KeyError) -> Issued {
        var check = KeyCheck(after: violations, at: clock.wallTime())
        let grace: Duration
        do { grace = try check.grace(graceSeconds) } catch { throw .rejected(error) }
        return try await changing { () async throws(KeyError) in
            _ = try await living(id)
            let text = KeyText(of: id)
            var key = try await change(id, .rotate(hash: text.hash, grace: grace))
            let callbackSecret = isOfCallbacks ? Self.newCallbackSecret() : nil
            if let callbackSecret { key = try await change(id, .rotateCallbackSecret(callbackSecret)) }
            return Issued(key: key, text: text, callbackSecret: callbackSecret, isNew: true)
        }
    }

    /// Ends a key for good; one that was revoked before stays as it is.
    ///
    /// - Throws: `notFound`, `lastAdminKey`, `store`.
    package func revoke(_ id: KeyID) async throws(KeyError) -> AccessKey {
        try await changing { () async throws(KeyError) in
            let key = try await key(id)
            try await keepAdmin(key, becoming: key.after(.revoke, at: clock.wallTime()))
            return try await change(id, .revoke)
        }
    }

    // MARK: - What changes have in common

    /// One change at a time, so that what was found before it still is so; and what came of it is known to the gate.
    private func changing<Value>(
        _ body: () async throws(KeyError) -> Value
    ) async throws(KeyError) -> Value {
        await turns.take()
        let outcome: Result<Value, KeyError>
        do throws(KeyError) { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        // If it fails, what was changed is changed all the same: the ring reads again within seconds.
        try? await ring.load()
        await turns.giveBack()
        return try outcome.get()
    }

    private func living(_ id: KeyID) async throws(KeyError) -> AccessKey {
        let key = try await key(id)
        guard key.revokedAt == nil else { throw .revoked }
        return key
    }

    private func change(_ id: KeyID, _ change: KeyChange) async throws(KeyError) -> AccessKey {
        let changed: AccessKey?
        do { changed = try await store.change(id, change) } catch { throw .store(error) }
        guard let changed else { throw .notFound }
        return changed
    }

    private func keepAdmin(_ key: AccessKey, becoming next: AccessKey) async throws(KeyError) {
        let now = clock.wallTime()
        guard key.administers(at: now), !next.administers(at: now) else { return }
        guard try await hasAdmin(besides: key.id) else { throw .lastAdminKey }
    }

    /// Whether somebody could still administer.
    private func hasAdmin(besides id: KeyID? = nil) async throws(KeyError) -> Bool {
        if settings.adminKey != nil { return true }
        let now = clock.wallTime()
        return try await keys().contains { $0.id != id && $0.administers(at: now) }
    }

    /// As Standard Webhooks writes secrets.
    private static func newCallbackSecret() -> String {
        "whsec_" + SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }
}

extension AccessKey {
    fileprivate func administers(at now: Timestamp) -> Bool {
        scopes.contains(.admin) && isValid(at: now)
    }
}
