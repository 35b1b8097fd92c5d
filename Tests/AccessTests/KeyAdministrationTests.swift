import Foundation
import Tasks
import TestSupport
import Testing

@testable import Access

@Suite("Administration of keys")
struct KeyAdministrationTests {
    @Test("A key has a tenant of its own, reads and generates, and has no limits, unless it is said")
    func defaults() async throws {
        let world = try await World()
        _ = try await world.key([.admin])
        let key = try await world.keys.create(KeyDraft(name: "  shop ")).key
        #expect(key.name == "shop")
        #expect(key.tenant.rawValue == key.id.rawValue)
        #expect(key.scopes == [.read, .generate])
        #expect(key.maxPriority == .interactive)
        #expect(key.weight == 1)
        #expect(key.limits == KeyLimits())
        #expect(key.callbackSecrets.isEmpty)
        #expect(try await world.keys.keys().map(\.id).first == key.id)
        #expect(try await world.keys.key(key.id) == key)
    }

    @Test("Everything that is wrong is said at once")
    func violations() async throws {
        let world = try await World()
        let draft = KeyDraft(
            name: "a\u{7}",
            tenant: "a b",
            scopes: [],
            weight: 0,
            limits: KeyDraft.Limits(
                burst: 0,
                waitingTasks: 0,
                runningTasks: -1,
                deviceSecondsPerDay: 0,
                storageBytes: -1
            ),
            expiresAt: world.clock.wallTime()
        )
        let given = [Violation(field: "max_priority", code: .wrongType, message: "")]
        let error = await #expect(throws: KeyError.self) { try await world.keys.create(draft, after: given) }
        guard case .rejected(let rejection) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(
            Set(rejection.violations.map(\.field)) == [
                "name", "tenant", "scopes", "max_priority", "weight", "limits.burst", "limits.waiting_tasks",
                "limits.running_tasks", "limits.device_seconds_per_day", "limits.storage_bytes", "expires_at",
            ])
        #expect(try await world.keys.keys().isEmpty)
    }

    @Test("The first key must be an administrator's, unless there is one in the settings")
    func first() async throws {
        let world = try await World()
        await #expect(throws: KeyError.firstKeyMustBeAdmin) { try await world.key([.read]) }
        _ = try await world.key([.admin])
        _ = try await world.key([.read])
        let other = try await World(AccessSettings(adminKey: "a key of the settings"))
        _ = try await other.key([.read])
    }

    @Test("The last key of an administrator cannot be taken away, however it is tried")
    func last() async throws {
        let world = try await World()
        let one = try await world.key([.admin])
        await #expect(throws: KeyError.lastAdminKey) { try await world.keys.revoke(one.id) }
        await #expect(throws: KeyError.lastAdminKey) {
            try await world.keys.edit(one.id, KeyDraft(scopes: [.read]))
        }
        let two = try await world.key([.admin])
        let ids = [one.id, two.id]
        // At the same time: one of them must stay.
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for id in ids { group.addTask { (try? await world.keys.revoke(id)) != nil } }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.sorted { !$0 && $1 } == [false, true])
        let settings = try await World(AccessSettings(adminKey: "a key of the settings"))
        let key = try await settings.key([.admin])
        #expect(try await settings.keys.revoke(key.id).revokedAt != nil)
        #expect(settings.gate.needsKeys)
    }

    @Test("Only what is named is changed, and it counts at once")
    func edit() async throws {
        let world = try await World()
        _ = try await world.key([.admin])
        let text = try await world.key([.read, .generate], limits: KeyDraft.Limits(requestsPerSecond: 2))
        let edited = try await world.keys.edit(text.id, KeyDraft(scopes: [.read], weight: 3))
        #expect(edited.scopes == [.read])
        #expect(edited.weight == 3)
        #expect(edited.name == "key")
        #expect(edited.limits.requests == RateLimit(perSecond: 2, burst: 2))
        #expect(try world.gate.identify(text.text).caller.scopes == [.read])
        let open = try await world.keys.edit(text.id, KeyDraft(limits: KeyDraft.Limits()))
        #expect(open.limits == KeyLimits())
        await #expect(throws: KeyError.notFound) {
            try await world.keys.edit(KeyID(rawValue: "none"), KeyDraft(weight: 1))
        }
    }

    @Test("A key that was revoked is neither changed nor given a secret, and keeps its moment")
    func revoked() async throws {
        let world = try await World()
        _ = try await world.key([.admin])
        let key = try await world.key([.read])
        let moment = try await world.keys.revoke(key.id).revokedAt
        world.clock.advance(by: .seconds(5))
        #expect(try await world.keys.revoke(key.id).revokedAt == moment)
        await #expect(throws: KeyError.revoked) { try await world.keys.rotate(key.id) }
        await #expect(throws: KeyError.revoked) { try await world.keys.edit(key.id, KeyDraft(weight: 2)) }
        await #expect(throws: KeyError.notFound) { try await world.keys.revoke(KeyID(rawValue: "none")) }
    }

    @Test("A repeated call gives the first one's key, and never its text again")
    func idempotency() async throws {
        let world = try await World()
        let draft = KeyDraft(name: "shop", scopes: [.admin], wantsCallbackSecret: true)
        let first = try await world.keys.create(draft, idempotencyKey: "order-1")
        let again = try await world.keys.create(draft, idempotencyKey: "order-1")
        #expect(first.isNew && first.text != nil && first.callbackSecret?.hasPrefix("whsec_") == true)
        #expect(!again.isNew && again.text == nil && again.callbackSecret == nil)
        #expect(again.key.id == first.key.id)
        var other = draft
        other.name = "another"
        await #expect(throws: KeyError.store(.idempotencyConflict(nil))) {
            try await world.keys.create(other, idempotencyKey: "order-1")
        }
        #expect(try await world.keys.keys().count == 1)
    }

    @Test("There are so many keys at most, and the grace of a rotation is bounded")
    func bounds() async throws {
        let world = try await World(AccessSettings(maxKeys: 1))
        let key = try await world.key([.admin])
        await #expect(throws: KeyError.store(.tooManyKeys(limit: 1))) { try await world.key([.read]) }
        for seconds in [-1, 7 * 86_400 + 1] {
            await #expect(throws: KeyError.self) { try await world.keys.rotate(key.id, graceSeconds: seconds) }
        }
        #expect(await world.refusal(key.text) == nil)
    }

    @Test("A store that does not answer is said, and nothing has changed")
    func broken() async throws {
        let world = try await World()
        let key = try await world.key([.admin])
        world.store.setBroken(true)
        await #expect(throws: KeyError.store(.unavailable("gone"))) { try await world.keys.rotate(key.id) }
        #expect(await world.refusal(key.text) == nil)
    }
}
