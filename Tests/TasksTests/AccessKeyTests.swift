import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Keys")
struct AccessKeyTests {
    private let now = ManualClock.start
    private let key = AccessKey.fixture()

    private func after(_ seconds: Int) -> Timestamp { now.advanced(by: .seconds(seconds)) }

    @Test("A key that is revoked again keeps the moment when it was first")
    func revoking() {
        let once = key.after(.revoke, at: now)
        #expect(once.revokedAt == now)
        #expect(once.after(.revoke, at: after(5)) == once)
        #expect(once.secrets == key.secrets)
    }

    @Test("A rotation leaves the last secret its grace, and those before it nothing")
    func rotation() {
        let first = key.after(.rotate(hash: Data([1]), grace: .seconds(60)), at: now)
        #expect(
            first.secrets == [
                AccessKey.Secret(hash: Data([1])), AccessKey.Secret(hash: Data("key".utf8), validUntil: after(60)),
            ]
        )
        let second = first.after(.rotate(hash: Data([2]), grace: .seconds(60)), at: after(10))
        #expect(
            second.secrets == [
                AccessKey.Secret(hash: Data([2])), AccessKey.Secret(hash: Data([1]), validUntil: after(70)),
            ]
        )
        let atOnce = second.after(.rotate(hash: Data([3]), grace: .zero), at: after(20))
        #expect(atOnce.secrets[1].validUntil == after(20))
    }

    @Test("A rotation makes no secret live longer than it would have")
    func shortLife() {
        var ending = key
        ending.secrets[0].validUntil = after(5)
        let rotated = ending.after(.rotate(hash: Data([1]), grace: .seconds(60)), at: now)
        #expect(rotated.secrets[1].validUntil == after(5))
        #expect(rotated.secrets[0].validUntil == nil)
    }

    @Test("Callbacks are signed with the two newest secrets")
    func callbackSecrets() {
        var key = key
        for secret in ["a", "b", "c"] { key = key.after(.rotateCallbackSecret(secret), at: now) }
        #expect(key.callbackSecrets == ["c", "b"])
    }

    @Test("An edit sets what it says, and nothing else")
    func editing() {
        let full = AccessKey.full(.fixture())
        #expect(full.after(.edit(KeyEdit()), at: now) == full)
        var renamed = full
        renamed.name = "other"
        #expect(full.after(.edit(KeyEdit(name: "other")), at: now) == renamed)
        var endless = full
        endless.expiresAt = nil
        #expect(full.after(.edit(KeyEdit(expiresAt: .some(nil))), at: now) == endless)
        var free = full
        free.limits = KeyLimits()
        #expect(full.after(.edit(KeyEdit(limits: KeyLimits())), at: now) == free)
        var other = full
        other.scopes = [.read]
        other.maxPriority = .batch
        other.weight = 8
        let edit = KeyEdit(scopes: [.read], maxPriority: .batch, weight: 8)
        #expect(full.after(.edit(edit), at: now) == other)
    }

    @Test("Who may everything may each thing, and who may one thing only that")
    func scopes() {
        let reader = Caller(tenant: .standard, scopes: [.read])
        #expect(reader.may(.read) && !reader.may(.generate) && !reader.may(.admin))
        let admin = Caller(tenant: .standard, scopes: [.admin])
        #expect(Scope.allCases.allSatisfy(admin.may))
        #expect(Scope.allCases.allSatisfy(Caller.anybody.may))
        #expect(Caller(AccessKey.full(.fixture())).limits.runningTasks == 2)
        #expect(Caller(key).key == key.id)
    }
}
