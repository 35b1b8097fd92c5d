/// Which addresses the server may be made to call.
///
/// Clients choose the address, and the server stands inside the operator's network: what is not part of the public
/// Internet is refused unless the operator allows it. Pure.
package struct CallbackPolicy: Sendable, Equatable {
    /// Whether `http` will do.
    package var allowsHTTP: Bool
    /// Blocks that may be called whatever they are.
    package var allowedNetworks: [IPNetwork]

    package init(allowsHTTP: Bool = false, allowedNetworks: [IPNetwork] = []) {
        self.allowsHTTP = allowsHTTP
        self.allowedNetworks = allowedNetworks
    }

    /// Whether a connection to this address may be opened.
    package func allows(_ address: IPAddress) -> Bool {
        if allowedNetworks.contains(where: { $0.contains(address) }) { return true }
        // Whoever allows an IPv4 block allows it in the IPv4-mapped form as well: the same host is meant.
        if let mapped = Self.mapped(address) { return allowedNetworks.contains { $0.contains(mapped) } }
        return !Self.special.contains { $0.contains(address) }
    }

    private static func mapped(_ address: IPAddress) -> IPAddress? {
        mappedBlock.contains { $0.contains(address) } ? address.embedded(at: 12) : nil
    }

    private static let mappedBlock = networks(["::ffff:0:0/96"])

    /// What is not globally reachable by the IANA IPv4 and IPv6 Special-Purpose Address Registries, multicast, and what
    /// carries an IPv4 address inside: those forms lead to hosts that the IPv4 rules would refuse.
    ///
    /// The metadata services of clouds lie inside these blocks, but for those named last.
    private static let special = networks([
        // RFC 791 "this network", RFC 1918 private, RFC 6598 shared (CGNAT), RFC 1122 loopback, RFC 3927 link-local.
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        // RFC 6890 protocol assignments, RFC 5737 documentation, RFC 7534 AS112, RFC 7526 6to4 relays, RFC 7535 AS112.
        "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.31.196.0/24", "192.88.99.0/24",
        "192.52.193.0/24", "192.175.48.0/24",
        // RFC 2544 benchmarking, RFC 5771 multicast, RFC 1112 reserved with the limited broadcast.
        "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
        // RFC 4291 unspecified, loopback and IPv4-compatible; IPv4-mapped; RFC 2765 IPv4-translated.
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96",
        // RFC 6052 and RFC 8215 NAT64, RFC 6666 discard-only, RFC 9780 dummy prefix.
        "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
        // RFC 2928 protocol assignments with Teredo and ORCHID, RFC 3849 and RFC 9637 documentation, RFC 3056 6to4.
        "2001::/23", "2001:db8::/32", "3fff::/20", "2002::/16",
        // RFC 9602 SRv6, RFC 4193 unique local, RFC 4291 link-local, RFC 3879 site-local, RFC 4291 multicast.
        "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        // Metadata and wire server of a cloud, on a public address.
        "168.63.129.16",
    ])

    private static func networks(_ texts: [String]) -> [IPNetwork] { texts.compactMap { IPNetwork($0) } }
}

/// Why an address will not be called.
package enum CallbackRefusal: Error, Sendable, Equatable {
    case tooLong
    case malformed
    case schemeNotAllowed
    case hasUserInfo
    case hasFragment
    case hostNotAllowed
    case addressForbidden

    /// Stable, snake_case.
    package var code: String {
        switch self {
        case .tooLong: "callback_url_too_long"
        case .malformed: "callback_url_malformed"
        case .schemeNotAllowed: "callback_scheme_not_allowed"
        case .hasUserInfo: "callback_user_info"
        case .hasFragment: "callback_fragment"
        case .hostNotAllowed: "callback_host_not_allowed"
        case .addressForbidden: "callback_address_forbidden"
        }
    }

    /// For people; says what to do.
    package var message: String {
        switch self {
        case .tooLong: "the address must have at most \(CallbackURL.maxLength) characters."
        case .malformed: "this is no address like https://host/path in visible ASCII characters."
        case .schemeNotAllowed: "the address must begin with https://, unless the operator allows http."
        case .hasUserInfo: "the address must not contain a user name or password."
        case .hasFragment: "the address must not contain a #."
        case .hostNotAllowed:
            "the host must be a DNS name, an IPv4 address of four decimal numbers, or an IPv6 address in brackets."
        case .addressForbidden: "this host is not on the public Internet; the operator can allow its network."
        }
    }
}
