import Access
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Results
import Tasks

/// Who comes in, and what is kept of it.
extension APIResponder {
    /// Lets a request in.
    ///
    /// - Parameters:
    ///   - request: may present a key.
    ///   - match: the route of its path.
    ///   - query: may hold the signature of an address.
    ///   - known: who asks, as soon as that is known: also where more is missing.
    /// - Returns: who asks, and whether the address claims to open by itself.
    /// - Throws: why it does not come in.
    func enter(
        _ request: Request,
        _ match: (route: Route, variable: Substring),
        _ query: Substring,
        _ known: inout Admission?
    ) async throws(Problem) -> (admission: Admission, hasLink: Bool) {
        if !access.gate.needsKeys, let needed = match.route.access(for: request.method), needed != .open {
            try foreignPages.check(request.head)
        }
        do throws(AccessError) {
            let entrance = try await admit(request, match, query)
            known = entrance.admission
            return entrance
        } catch {
            known = error.admission
            throw Problem(error)
        }
    }

    private func admit(
        _ request: Request,
        _ match: (route: Route, variable: Substring),
        _ query: Substring
    ) async throws(AccessError) -> (admission: Admission, hasLink: Bool) {
        guard access.gate.needsKeys else { return (.anybody, false) }
        // What the route does not take is refused for that, whoever asks.
        guard let needed = match.route.access(for: request.method) else { return (.stranger, false) }
        let bearer = request.bearer
        switch needed {
        case .open:
            // Nobody must show a key here; of readiness, who shows one may see more.
            guard match.route == .ready, bearer != nil else { return (.stranger, false) }
            do { return (try access.gate.identify(bearer), false) } catch { return (.stranger, false) }
        case .link:
            // Without a key, what is wrong with the address is said by the route.
            if isLink(match.variable, query) || bearer == nil && VideoLinks.isClaimed(by: query) {
                return (.stranger, true)
            }
            return (try await access.gate.admit(bearer: bearer, needing: .read), false)
        case .scope(let scope):
            return (try await access.gate.admit(bearer: bearer, needing: scope), false)
        }
    }

    /// Whether an address opens by itself the video that it names.
    private func isLink(_ variable: Substring, _ query: Substring) -> Bool {
        guard let links, let name = VideoName(variable.prefix { $0 != "/" }) else { return false }
        do { try links.check(query, for: name.hex) } catch { return false }
        return true
    }

    /// Writes down what was done with the rights of an administrator, or tried without them.
    func audit(
        _ request: Request,
        _ match: (route: Route, variable: Substring),
        _ holder: Admission.Holder,
        _ outcome: String,
        _ response: Response,
        _ channel: any Channel,
        _ id: RequestID
    ) {
        // Who comes too often would only fill the files.
        guard let action = match.route.auditAction(for: request.method), response.status != .tooManyRequests else {
            return
        }
        // A key that was made is named where it is to be found.
        let target = response.headers[.location]?.split(separator: "/").last ?? match.variable
        let named = String(target).removingPercentEncoding ?? ""
        access.audit.write(
            AuditEntry(
                time: clock.wallTime(),
                key: holder.label,
                action: action,
                target: named.isEmpty ? "server" : String(named.prefix(128)),
                outcome: outcome,
                requestID: id.description,
                peer: channel.remoteAddress?.ipAddress ?? "unknown"
            )
        )
    }
}

extension Admission.Holder {
    /// The name of the key, for people.
    var keyName: String? {
        switch self {
        case .key(_, let name): name
        case .nobody, .settings: nil
        }
    }
}

extension Request {
    /// The key that is presented; `nil` if none is.
    ///
    /// What is no bearer token is a key that opens nothing.
    fileprivate var bearer: String? {
        guard let field = headers[.authorization] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return "" }
        return String(parts[1])
    }
}

extension Response {
    /// Says what is left of a key's requests, as the IETF's draft of `RateLimit` fields has it.
    mutating func tell(_ rate: RateStatus) {
        let fill = (Double(rate.limit.burst) / rate.limit.perSecond).rounded(.up)
        headers[.rateLimitPolicy] = "\"requests\";q=\(rate.limit.burst);w=\(Int(min(max(1, fill), 1e9)))"
        let wait = Int(rate.decision.retryAfter.inSeconds.rounded(.up))
        headers[.rateLimit] = "\"requests\";r=\(rate.decision.remaining);t=\(wait)"
    }
}
