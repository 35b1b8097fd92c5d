import Foundation
package import Tasks
import Testing

/// A store of keys to be examined, with its own data and its own time.
package struct KeyStoreWorld: Sendable {
    /// Keys share their idempotency keys with the tasks and uploads of the same store.
    package typealias Store = TaskStore & UploadStore & KeyStore

    package var store: any Store
    package var clock: ManualClock
    /// Closes the store and opens it again on the same data; `nil` where nothing outlives it.
    package var reopen: (@Sendable () async throws -> any Store)?

    package init(
        store: any Store,
        clock: ManualClock,
        reopen: (@Sendable () async throws -> any Store)? = nil
    ) {
        self.store = store
        self.clock = clock
        self.reopen = reopen
    }
}

/// The contract of `KeyStore` as behaviours; every implementation shows every one.
package struct KeyStoreConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (KeyStoreWorld) async throws -> Void

    package var testDescription: String { name }

    package static let all: [KeyStoreConformance] = adding + changing
}

extension KeyStoreConformance {
    private static let retry = NewTask.Idempotency(key: "retry", fingerprint: "f")

    static let adding: [KeyStoreConformance] = [
        .init(name: "What was added is listed as it was, the newest first") { world in
            #expect(try await world.store.keys().isEmpty)
            let plain = try await world.add("plain")
            let full = try await world.add("full") { $0 = .full($0) }
            #expect(plain.isNew && full.isNew)
            #expect(full.key == .full(.fixture("full")))
            #expect(try await world.store.keys() == [.full(.fixture("full")), .fixture("plain")])
        },
        .init(name: "An idempotency key returns the first key, as it is by now, and adds nothing") { world in
            _ = try await world.add("first", idempotency: retry)
            let revoked = try await world.store.change(KeyID(rawValue: "first"), .revoke)
            let again = try await world.add("second", idempotency: retry, limit: 1)
            #expect(!again.isNew)
            #expect(again.key == revoked)
            #expect(try await world.store.keys().map(\.id.rawValue) == ["first"])
            // Another tenant's idempotency keys are its own.
            let other = try await world.add("other", idempotency: retry, of: TenantID(rawValue: "other"))
            #expect(other.isNew)
        },
        .init(name: "An idempotency key with something else is a conflict, which names a task only if it was one") {
            world in
            _ = try await world.add("first", idempotency: retry)
            var other = retry
            other.fingerprint = "g"
            await #expect(throws: TaskStoreError.idempotencyConflict(nil)) {
                try await world.add("second", idempotency: other)
            }
            await #expect(throws: TaskStoreError.idempotencyConflict(nil)) {
                try await world.store.submit(.fixture("a", idempotency: retry), queueLimit: 10)
            }
            await #expect(throws: TaskStoreError.idempotencyConflict(nil)) {
                try await world.store.add(
                    .fixture("a"),
                    of: .standard,
                    lifetime: .seconds(100),
                    quota: 100,
                    idempotencyKey: retry.key
                )
            }
            let used = NewTask.Idempotency(key: "task", fingerprint: "f")
            let task = try await world.store.submit(.fixture("a", idempotency: used), queueLimit: 10).task
            await #expect(throws: TaskStoreError.idempotencyConflict(task.id)) {
                try await world.add("second", idempotency: used)
            }
            #expect(try await world.store.keys().map(\.id.rawValue) == ["first"])
        },
        .init(name: "There are no more keys than may be, revoked ones included") { world in
            _ = try await world.add("a", limit: 2)
            _ = try await world.add("b", limit: 2)
            _ = try await world.store.change(KeyID(rawValue: "a"), .revoke)
            await #expect(throws: TaskStoreError.tooManyKeys(limit: 2)) {
                try await world.add("c", idempotency: retry, limit: 2)
            }
            #expect(try await world.store.keys().count == 2)
            // What was refused has not used up its idempotency key.
            #expect(try await world.add("c", idempotency: retry, limit: 3).isNew)
        },
        .init(name: "Many additions at once with one idempotency key make one key") { world in
            let made = try await withThrowingTaskGroup(of: (AccessKey, Bool).self) { group in
                for index in 0..<20 {
                    group.addTask { try await world.add("key \(index)", idempotency: retry) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(made.count { $0.1 } == 1)
            #expect(Set(made.map(\.0.id)).count == 1)
            #expect(try await world.store.keys().count == 1)
        },
        .init(name: "Closing and opening again loses no key, no change and no idempotency key") { world in
            guard let reopen = world.reopen else { return }
            _ = try await world.add("full", idempotency: retry) { $0 = .full($0) }
            _ = try await world.store.change(
                KeyID(rawValue: "full"), .rotate(hash: Data([9, 9]), grace: .seconds(60)))
            let before = try await world.store.keys()
            var reopened = world
            reopened.store = try await reopen()
            #expect(try await reopened.store.keys() == before)
            #expect(try await reopened.add("again", idempotency: retry).isNew == false)
        },
    ]

    static let changing: [KeyStoreConformance] = [
        .init(name: "Every change is what the key says it is, at the store's time, and stays") { world in
            _ = try await world.add("a")
            var expected = AccessKey.fixture("a")
            let edit = KeyEdit(
                name: "edited",
                scopes: [.read, .admin],
                maxPriority: .batch,
                weight: 2.5,
                limits: AccessKey.full(.fixture("a")).limits,
                expiresAt: .some(ManualClock.start.advanced(by: .seconds(1000)))
            )
            let changes: [KeyChange] = [
                .rotate(hash: Data([1]), grace: .seconds(60)), .rotate(hash: Data([2]), grace: .zero),
                .rotateCallbackSecret("one"), .rotateCallbackSecret("two"), .rotateCallbackSecret("three"),
                .edit(edit), .edit(KeyEdit()), .edit(KeyEdit(expiresAt: .some(nil))), .revoke, .revoke,
            ]
            for change in changes {
                world.clock.advance(by: .seconds(7))
                expected = expected.after(change, at: world.clock.wallTime())
                #expect(try await world.store.change(KeyID(rawValue: "a"), change) == expected)
                #expect(try await world.store.keys() == [expected])
            }
        },
        .init(name: "A change of a key that is not there is nothing") { world in
            _ = try await world.add("a")
            #expect(try await world.store.change(KeyID(rawValue: "b"), .revoke) == nil)
            #expect(try await world.store.keys() == [.fixture("a")])
        },
        .init(name: "Of changes at once every one counts") { world in
            _ = try await world.add("a")
            let id = KeyID(rawValue: "a")
            try await withThrowingTaskGroup { group in
                for change in [
                    KeyChange.edit(KeyEdit(name: "new")), .edit(KeyEdit(weight: 3)), .rotateCallbackSecret("secret"),
                    .rotate(hash: Data([5]), grace: .zero), .edit(KeyEdit(maxPriority: .batch)), .revoke,
                ] {
                    group.addTask { _ = try await world.store.change(id, change) }
                }
                try await group.waitForAll()
            }
            let key = try #require(try await world.store.keys().first)
            #expect(key.name == "new")
            #expect(key.weight == 3)
            #expect(key.callbackSecrets == ["secret"])
            #expect(key.secrets.map(\.hash) == [Data([5]), Data("a".utf8)])
            #expect(key.maxPriority == .batch)
            #expect(key.revokedAt == world.clock.wallTime())
        },
        .init(name: "Whoever listens is told of each addition and each change") { world in
            let (one, two) = (world.store.keyChanges(), world.store.keyChanges())
            var (first, second) = (one.makeAsyncIterator(), two.makeAsyncIterator())
            _ = try await world.add("a")
            #expect(await first.next() != nil)
            #expect(await second.next() != nil)
            _ = try await world.store.change(KeyID(rawValue: "a"), .revoke)
            _ = try await world.store.change(KeyID(rawValue: "a"), .revoke)
            #expect(await first.next() != nil)
            _ = try await world.store.change(KeyID(rawValue: "a"), .edit(KeyEdit(name: "b")))
            #expect(await first.next() != nil)
            #expect(await second.next() != nil)
        },
    ]
}

extension KeyStoreWorld {
    @discardableResult
    func add(
        _ id: String,
        idempotency: NewTask.Idempotency? = nil,
        of tenant: TenantID = .standard,
        limit: Int = 100,
        adjust: (inout AccessKey) -> Void = { _ in }
    ) async throws(TaskStoreError) -> (key: AccessKey, isNew: Bool) {
        var key = AccessKey.fixture(id)
        adjust(&key)
        return try await store.add(key, idempotency: idempotency, of: tenant, limit: limit)
    }
}

extension AccessKey {
    /// A key with nothing that it need not have; its secret is the id.
    package static func fixture(_ id: String = "key") -> AccessKey {
        AccessKey(
            id: KeyID(rawValue: id),
            name: "name of \(id)",
            tenant: .standard,
            scopes: [.read, .generate],
            createdAt: ManualClock.start,
            secrets: [Secret(hash: Data(id.utf8))]
        )
    }

    /// The same with everything that a key can have.
    package static func full(_ key: AccessKey) -> AccessKey {
        var key = key
        key.tenant = TenantID(rawValue: "some \"tenant\"")
        key.scopes = Set(Scope.allCases)
        key.maxPriority = .normal
        key.weight = 0.25
        key.limits = KeyLimits(
            requests: RateLimit(perSecond: 0.5, burst: 7),
            waitingTasks: 3,
            runningTasks: 2,
            deviceSecondsPerDay: 1234.5,
            storageBytes: 1 << 40
        )
        key.expiresAt = ManualClock.start.advanced(by: .seconds(3600))
        key.revokedAt = ManualClock.start.advanced(by: .seconds(1800))
        let end = ManualClock.start.advanced(by: .milliseconds(1))
        key.secrets = [Secret(hash: Data([0, 255, 1])), Secret(hash: Data([2]), validUntil: end)]
        key.callbackSecrets = ["newer", "older"]
        return key
    }
}
