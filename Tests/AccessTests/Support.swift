import Foundation
import Logging
import Synchronization
import Tasks
import TasksSQLite
import TestSupport
import Testing

@testable import Access

/// A ring, a gate and what administers them, over a real store in memory.
struct World {
    static let logger = Logger(label: "access-tests") { _ in SwiftLogNoOpLogHandler() }

    let clock = ManualClock()
    let store: FaultyKeyStore
    let ring: KeyRing
    let gate: Gate
    let keys: KeyAdministration

    init(_ settings: AccessSettings = AccessSettings()) async throws {
        store = FaultyKeyStore(over: try await SQLiteTaskStore.inMemory(clock: clock, logger: Self.logger))
        ring = KeyRing(store: store, settings: settings, clock: clock, logger: Self.logger)
        try await ring.load()
        gate = Gate(ring: ring, meter: LocalRequestMeter(clock: clock), clock: clock, logger: Self.logger)
        keys = KeyAdministration(store: store, ring: ring, settings: settings, clock: clock)
    }

    /// Makes a key and gives its text.
    func key(
        _ scopes: Set<Scope>,
        tenant: String? = nil,
        limits: KeyDraft.Limits? = nil,
        expiresAt: Timestamp?? = nil
    ) async throws -> KeyText {
        let draft = KeyDraft(name: "key", tenant: tenant, scopes: scopes, limits: limits, expiresAt: expiresAt)
        return try #require(try await keys.create(draft).text)
    }

    /// Why a key does not come in; `nil` if it does.
    func refusal(_ bearer: String?, _ scope: Scope? = nil) async -> AccessError? {
        do throws(AccessError) {
            _ = try await gate.admit(bearer: bearer, needing: scope)
            return nil
        } catch {
            return error
        }
    }
}

/// The store of keys, which fails when a test says so.
final class FaultyKeyStore: KeyStore {
    private let store: SQLiteTaskStore
    private let isBroken = Mutex(false)

    init(over store: SQLiteTaskStore) {
        self.store = store
    }

    func setBroken(_ isBroken: Bool) {
        self.isBroken.withLock { $0 = isBroken }
    }

    func add(
        _ key: AccessKey,
        idempotency: NewTask.Idempotency?,
        of tenant: TenantID,
        limit: Int
    ) async throws(TaskStoreError) -> (key: AccessKey, isNew: Bool) {
        try check()
        return try await store.add(key, idempotency: idempotency, of: tenant, limit: limit)
    }

    func keys() async throws(TaskStoreError) -> [AccessKey] {
        try check()
        return try await store.keys()
    }

    func change(_ id: KeyID, _ change: KeyChange) async throws(TaskStoreError) -> AccessKey? {
        try check()
        return try await store.change(id, change)
    }

    func keyChanges() -> AsyncStream<Void> {
        store.keyChanges()
    }

    private func check() throws(TaskStoreError) {
        if isBroken.withLock({ $0 }) { throw .unavailable("gone") }
    }
}

/// A meter that does not work.
struct BrokenMeter: RequestMeter {
    func take(from bucket: String, _ limit: RateLimit) async throws(TaskStoreError) -> RateDecision {
        throw .unavailable("gone")
    }
}
