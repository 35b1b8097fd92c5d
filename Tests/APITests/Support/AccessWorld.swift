import Access
import Foundation
import Logging
import Synchronization
import Tasks
import TasksSQLite
import TestSupport
import Testing

/// Who may come in, over a real store in memory, with a clock that a test moves.
struct AccessWorld {
    let clock: ManualClock
    let store: SQLiteTaskStore
    let ring: KeyRing
    let control: AccessControl
    let audit: RememberedAudit

    /// With a key in the settings the server asks for keys.
    init(_ settings: AccessSettings = AccessSettings(), clock: ManualClock = ManualClock()) async throws {
        let logger = Logger(label: "access-tests") { _ in SwiftLogNoOpLogHandler() }
        self.clock = clock
        store = try await SQLiteTaskStore.inMemory(clock: clock, logger: logger)
        ring = KeyRing(store: store, settings: settings, clock: clock, logger: logger)
        try await ring.load()
        audit = RememberedAudit()
        control = AccessControl(
            gate: Access.Gate(ring: ring, meter: LocalRequestMeter(clock: clock), clock: clock, logger: logger),
            keys: KeyAdministration(store: store, ring: ring, settings: settings, clock: clock),
            audit: audit
        )
    }

    /// Makes a key; the first one of a world must be an administrator's.
    func key(
        _ name: String,
        tenant: String? = nil,
        _ scopes: Set<Scope> = [.read, .generate],
        _ change: (inout KeyDraft) -> Void = { _ in }
    ) async throws -> (text: String, id: KeyID) {
        var draft = KeyDraft(name: name, tenant: tenant, scopes: scopes)
        change(&draft)
        let issued = try await control.keys.create(draft)
        return (try #require(issued.text).text, issued.key.id)
    }

    /// Ends the threads of the store.
    func close() async throws {
        try await store.close()
    }
}

/// Keeps what was written down.
final class RememberedAudit: AuditLog {
    private let kept = Mutex<[AuditEntry]>([])

    var entries: [AuditEntry] { kept.withLock { $0 } }

    func write(_ entry: AuditEntry) {
        kept.withLock { $0.append(entry) }
    }
}
