import Crypto
import Foundation
package import Logging
package import Tasks

/// Lets in who presents a key that opens what is asked for.
package struct Gate: Sendable {
    /// Compared with where there is no key, so that that takes as long; the hash of nothing that anybody can know.
    private static let nobodysHash = KeyText().hash

    private let ring: KeyRing
    private let meter: any RequestMeter
    private let clock: any ServiceClock
    private let logger: Logger

    /// - Parameters:
    ///   - ring: the keys.
    ///   - meter: counts requests.
    ///   - clock: wall time, for what expires.
    ///   - logger: gets the failures of the meter.
    package init(ring: KeyRing, meter: any RequestMeter, clock: any ServiceClock, logger: Logger) {
        self.ring = ring
        self.meter = meter
        self.clock = clock
        self.logger = logger
    }

    /// Whether one must have a key.
    package var needsKeys: Bool { !ring.isEmpty }

    /// Lets a request in, and counts it.
    ///
    /// - Parameters:
    ///   - bearer: what it presents as its key.
    ///   - scope: what the key must open; `nil`: it need only be one.
    /// - Returns: who it is from.
    /// - Throws: why it does not come in.
    package func admit(bearer: String?, needing scope: Scope?) async throws(AccessError) -> Admission {
        guard needsKeys else { return .anybody }
        var admission = try identify(bearer)
        admission.rate = await rate(of: admission.caller)
        if let rate = admission.rate, !rate.decision.isAllowed { throw .rateLimited(admission) }
        if let scope, !admission.caller.may(scope) { throw .scopeMissing(scope, admission) }
        return admission
    }

    /// Whose key this is; nothing is counted.
    package func identify(_ bearer: String?) throws(AccessError) -> Admission {
        guard let bearer else { throw .keyRequired }
        let hash = SHA256.hash(data: Data(bearer.utf8))
        if ring.isSettingsKey(hash) { return Admission(holder: .settings, caller: .anybody) }
        guard let text = KeyText(bearer) else { throw .keyInvalid }
        let key = ring[text.id]
        var genuine: AccessKey.Secret?
        for secret in key?.secrets ?? [AccessKey.Secret(hash: Self.nobodysHash)] where hash == secret.hash {
            genuine = genuine ?? secret
        }
        guard let key, let genuine else { throw .keyInvalid }
        let now = clock.wallTime()
        guard key.revokedAt == nil else { throw .keyRevoked }
        guard key.isValid(at: now), genuine.validUntil.map({ now < $0 }) ?? true else { throw .keyExpired }
        return Admission(holder: .key(key.id, name: key.name), caller: Caller(key))
    }

    /// Whether who came in would still come in: for what lasts longer than a request.
    ///
    /// - Parameters:
    ///   - holder: by what.
    ///   - scope: what the key must open; `nil`: it need only be one.
    /// - Throws: `keyRequired`, `keyInvalid`, `keyRevoked`, `keyExpired`, `scopeMissing`.
    package func check(_ holder: Admission.Holder, needing scope: Scope?) throws(AccessError) {
        switch holder {
        case .nobody:
            guard !needsKeys else { throw .keyRequired }
        case .settings: break
        case .key(let id, let name):
            guard let key = ring[id] else { throw .keyInvalid }
            guard key.revokedAt == nil else { throw .keyRevoked }
            guard key.isValid(at: clock.wallTime()) else { throw .keyExpired }
            let admission = Admission(holder: .key(id, name: name), caller: Caller(key))
            if let scope, !admission.caller.may(scope) { throw .scopeMissing(scope, admission) }
        }
    }

    private func rate(of caller: Caller) async -> RateStatus? {
        guard let limit = caller.limits.requests else { return nil }
        do throws(TaskStoreError) {
            return RateStatus(limit: limit, decision: try await meter.take(from: caller.tenant.rawValue, limit))
        } catch {
            // The limits of tasks and device time still hold; to turn everybody away would be the greater harm.
            logger.error("Requests are not counted", metadata: ["code": "\(error.code)"])
            return nil
        }
    }
}

extension AccessKey {
    /// Whether it opens something at a moment.
    func isValid(at now: Timestamp) -> Bool {
        revokedAt == nil && expiresAt.map { now < $0 } ?? true
    }
}
