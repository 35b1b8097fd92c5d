import ServiceLifecycle
import Tasks
import TestSupport
import Testing

@testable import Access

@Suite("The ring of keys")
struct KeyRingTests {
    @Test("A key that something else made is known at the sign of the store")
    func refresh() async throws {
        let world = try await World()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let ring = world.ring
            group.addTask { try await ring.run() }
            await world.clock.waitForSleepers(1)
            let text = KeyText()
            let key = AccessKey.made(text, at: world.clock.wallTime())
            _ = try await world.store.add(key, idempotency: nil, of: .standard, limit: 9)
            try await eventually { ring[text.id] != nil }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test("While the store does not answer, the keys are those that were read last")
    func lastCopy() async throws {
        let world = try await World()
        let key = try await world.key([.admin])
        world.store.setBroken(true)
        await #expect(throws: TaskStoreError.unavailable("gone")) { try await world.ring.load() }
        #expect(await world.refusal(key.text, .admin) == nil)
        #expect(await world.refusal(nil) == .keyRequired)
    }

    @Test("A key has its own secrets of callbacks, and without any there are none")
    func callbackSecrets() async throws {
        let world = try await World()
        let issued = try await world.keys.create(
            KeyDraft(name: "shop", scopes: [.admin], wantsCallbackSecret: true))
        let plain = try await world.key([.read])
        let secret = try #require(issued.callbackSecret)
        #expect(world.ring.callbackSecrets(of: issued.key.id) == [secret])
        #expect(world.ring.callbackSecrets(of: plain.id).isEmpty)
        #expect(world.ring.callbackSecrets(of: nil).isEmpty)
        let next = try #require(
            try await world.keys.rotate(issued.key.id, withCallbackSecret: true).callbackSecret)
        #expect(world.ring.callbackSecrets(of: issued.key.id) == [next, secret])
    }
}

extension AccessKey {
    /// A key with a text of its own.
    static func made(_ text: KeyText, at now: Timestamp) -> AccessKey {
        AccessKey(
            id: text.id,
            name: "made elsewhere",
            tenant: .standard,
            scopes: [.read],
            createdAt: now,
            secrets: [Secret(hash: text.hash)]
        )
    }
}

/// Waits until something is so, a few seconds at most.
func eventually(_ isSo: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !isSo() {
        try #require(ContinuousClock.now < deadline, "It did not come")
        try await Task.sleep(for: .milliseconds(2))
    }
}
