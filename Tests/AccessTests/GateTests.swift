import Foundation
import Tasks
import TestSupport
import Testing

@testable import Access

@Suite("The gate")
struct GateTests {
    @Test("As long as there is no key, anybody comes in, with whatever they show")
    func open() async throws {
        let world = try await World()
        #expect(!world.gate.needsKeys)
        #expect(await world.refusal(nil, .admin) == nil)
        #expect(await world.refusal("nonsense", .admin) == nil)
        #expect(try await world.gate.admit(bearer: nil, needing: .admin) == .anybody)
    }

    @Test("A key comes in as what it is, and where it does not open is told so")
    func scopes() async throws {
        let world = try await World()
        let admin = try await world.key([.admin])
        let reader = try await world.key([.read], tenant: "shop")
        let admission = try await world.gate.admit(bearer: reader.text, needing: .read)
        #expect(admission.caller.tenant == TenantID(rawValue: "shop"))
        #expect(admission.caller.key == reader.id)
        #expect(admission.holder == .key(reader.id, name: "key"))
        #expect(admission.rate == nil)
        #expect(await world.refusal(reader.text, .generate) == .scopeMissing(.generate, admission))
        #expect(await world.refusal(reader.text, .admin) == .scopeMissing(.admin, admission))
        for scope in Scope.allCases { #expect(await world.refusal(admin.text, scope) == nil) }
        #expect(await world.refusal(nil) == .keyRequired)
    }

    @Test("What is no key, one that was never made and one with another secret cannot be told apart")
    func invalid() async throws {
        let world = try await World()
        let key = try await world.key([.admin])
        let other = KeyText()
        for bearer in ["", "nonsense", other.text, KeyText(of: key.id).text, key.text + "x"] {
            #expect(await world.refusal(bearer) == .keyInvalid)
        }
    }

    @Test("That a key was revoked or has expired is said to its holder alone")
    func ended() async throws {
        let world = try await World()
        _ = try await world.key([.admin])
        let revoked = try await world.key([.read])
        _ = try await world.keys.revoke(revoked.id)
        let short = try await world.key([.read], expiresAt: world.clock.wallTime().advanced(by: .seconds(10)))
        #expect(await world.refusal(short.text) == nil)
        world.clock.advance(by: .seconds(10))
        #expect(await world.refusal(short.text) == .keyExpired)
        #expect(await world.refusal(revoked.text) == .keyRevoked)
        for key in [short, revoked] { #expect(await world.refusal(KeyText(of: key.id).text) == .keyInvalid) }
    }

    @Test("A secret that was replaced goes on for its grace, and one before it not at all")
    func rotation() async throws {
        let world = try await World()
        let first = try await world.key([.admin])
        let second = try #require(try await world.keys.rotate(first.id, graceSeconds: 60).text)
        #expect(await world.refusal(first.text) == nil)
        #expect(await world.refusal(second.text) == nil)
        world.clock.advance(by: .seconds(60))
        #expect(await world.refusal(first.text) == .keyExpired)
        #expect(await world.refusal(second.text) == nil)
        let third = try #require(try await world.keys.rotate(first.id, graceSeconds: 0).text)
        #expect(await world.refusal(first.text) == .keyInvalid)
        #expect(await world.refusal(second.text) == .keyExpired)
        #expect(await world.refusal(third.text) == nil)
    }

    @Test("Who is in is out again when what let him in is gone")
    func revoked() async throws {
        let world = try await World()
        func refusal(_ holder: Admission.Holder, _ scope: Scope?) -> AccessError? {
            do throws(AccessError) {
                try world.gate.check(holder, needing: scope)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(.nobody, .admin) == nil)
        _ = try await world.key([.admin])
        #expect(refusal(.nobody, .read) == .keyRequired)
        #expect(refusal(.settings, .admin) == nil)
        let expiry = world.clock.wallTime().milliseconds + 1000
        let key = try await world.key([.read], expiresAt: .some(Timestamp(milliseconds: expiry)))
        let holder = try await world.gate.admit(bearer: key.text, needing: .read).holder
        #expect(refusal(holder, .read) == nil)
        #expect(refusal(holder, nil) == nil)
        guard case .scopeMissing(.generate, _) = refusal(holder, .generate) else {
            Issue.record("it opens what it does not open")
            return
        }
        world.clock.advance(by: .seconds(2))
        #expect(refusal(holder, .read) == .keyExpired)
        let other = try await world.key([.read])
        let second = try await world.gate.admit(bearer: other.text, needing: .read).holder
        _ = try await world.keys.revoke(other.id)
        #expect(refusal(second, .read) == .keyRevoked)
    }

    @Test("When every key has ended, nobody comes in")
    func closed() async throws {
        let world = try await World()
        let end = world.clock.wallTime().advanced(by: .seconds(10))
        let key = try await world.key([.admin], expiresAt: end)
        world.clock.advance(by: .seconds(10))
        #expect(world.gate.needsKeys)
        #expect(await world.refusal(nil) == .keyRequired)
        #expect(await world.refusal(key.text) == .keyExpired)
    }

    @Test("The key of the settings opens everything, with no key stored")
    func settings() async throws {
        let world = try await World(AccessSettings(adminKey: "a key of the settings"))
        #expect(world.gate.needsKeys)
        #expect(await world.refusal(nil) == .keyRequired)
        #expect(await world.refusal("a key of the setting") == .keyInvalid)
        let admission = try await world.gate.admit(bearer: "a key of the settings", needing: .admin)
        #expect(admission == Admission(holder: .settings, caller: .anybody))
    }

    @Test("Requests are counted over the tenant's keys, and one too many is told when to come again")
    func rates() async throws {
        let world = try await World()
        _ = try await world.key([.admin])
        let limits = KeyDraft.Limits(requestsPerSecond: 0.5, burst: 2)
        let one = try await world.key([.read], tenant: "shop", limits: limits)
        let two = try await world.key([.read], tenant: "shop", limits: limits)
        let other = try await world.key([.read], limits: limits)
        let first = try await world.gate.admit(bearer: one.text, needing: .read)
        #expect(first.rate?.decision == RateDecision(isAllowed: true, remaining: 1, retryAfter: .zero))
        // Counted where the scope is missing as well.
        #expect(await world.refusal(two.text, .admin) != nil)
        guard case .rateLimited(let refused) = await world.refusal(two.text, .read) else {
            Issue.record("The third request came in")
            return
        }
        #expect(refused.rate?.decision.retryAfter == .seconds(2))
        #expect(await world.refusal(other.text, .read) == nil)
        world.clock.advance(by: .seconds(2))
        #expect(await world.refusal(one.text, .read) == nil)
    }

    @Test("Where requests cannot be counted they come in")
    func brokenMeter() async throws {
        let world = try await World()
        _ = try await world.key([.admin])
        let key = try await world.key([.read], limits: KeyDraft.Limits(requestsPerSecond: 1))
        let gate = Gate(ring: world.ring, meter: BrokenMeter(), clock: world.clock, logger: World.logger)
        #expect(try await gate.admit(bearer: key.text, needing: .read).rate == nil)
    }
}
