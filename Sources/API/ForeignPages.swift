import Foundation
import HTTPTypes
import Tasks

/// Keeps pages of other origins, which a browser on this machine may show, away from a server that asks for no key.
///
/// Whoever reaches such a server owns it, and a browser reaches it for any page: by a form, which the `Origin` tells, or
/// by a name of the page's own that leads to this machine, which the `Host` tells (DNS rebinding). Where keys are asked
/// for neither can do anything: no page has one.
struct ForeignPages: Sendable, Equatable {
    private let isLoopback: Bool
    private let publicAuthority: String?
    private let origins: Set<String>

    init(_ settings: APISettings) {
        isLoopback = Self.isLocal(settings.host)
        publicAuthority = settings.publicURL.flatMap { Self.authority(of: $0) }
        origins = Set(settings.corsOrigins)
    }

    /// Checks a request to a server that asks for no key.
    ///
    /// - Throws: `foreign_host`, `foreign_origin`.
    func check(_ request: HTTPRequest) throws(Problem) {
        let authority = (request.authority ?? "").lowercased()
        // A server that listens elsewhere as well cannot know by which names it is reached.
        if isLoopback, !isOwn(authority) { throw .foreignHost }
        guard request.method != .get, request.method != .head, let origin = request.headerFields[.origin] else {
            return
        }
        guard origins.contains(origin) || origins.contains(CrossOrigin.everybody) else {
            let asking = Self.authority(of: origin.lowercased())
            guard let asking, asking == authority || asking == publicAuthority else { throw .foreignOrigin }
            return
        }
    }

    /// Whether a `Host` is a name that nobody else can have given this machine.
    private func isOwn(_ authority: String) -> Bool {
        let host = Self.host(of: authority)
        return authority == publicAuthority || Self.isLocal(host) || IPAddress(host) != nil
    }

    /// Whether a name or an address always means the machine itself.
    private static func isLocal(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        guard let address = IPAddress(host) else { return false }
        return ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }.contains { $0.contains(address) }
    }

    /// The host without its port, and without the brackets of an IPv6 address.
    private static func host(of authority: String) -> String {
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }

    /// What stands behind the scheme of an origin or a URL; `nil` if there is none, as in `null`.
    private static func authority(of url: String) -> String? {
        guard let scheme = url.range(of: "://") else { return nil }
        return String(url[scheme.upperBound...].prefix { $0 != "/" }).lowercased()
    }
}

extension Problem {
    static let foreignHost = Problem(
        .forbidden,
        "foreign_host",
        "As long as this server has no keys it answers by addresses and localhost alone, so that no web page can reach it "
            + "by a name of its own. Set http.publicURL to the address it is reached by, or make a key."
    )
    static let foreignOrigin = Problem(
        .forbidden,
        "foreign_origin",
        "A web page of another origin may change nothing here. Name its origin in http.corsOrigins to let it."
    )
}
