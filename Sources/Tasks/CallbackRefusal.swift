/// Why a text is no address that the server may call.
package enum CallbackRefusal: Error, Sendable, Equatable {
    case tooLong(bytes: Int, limit: Int)
    /// Other characters than visible ASCII.
    case notASCII
    case schemeNotAllowed(allowsHTTP: Bool)
    case userInfo
    case fragment
    /// A character that must be percent-encoded, or a percent sign without two hexadecimal digits.
    case path
    case host
    case localHost
    /// A number in a form that different programs read as different addresses.
    case numericHost
    case addressForbidden(IPAddress, meaning: String)
    case port

    /// Stable, snake_case.
    package var code: String {
        switch self {
        case .tooLong: "callback_url_too_long"
        case .notASCII: "callback_url_not_ascii"
        case .schemeNotAllowed: "callback_scheme_not_allowed"
        case .userInfo: "callback_user_info_not_allowed"
        case .fragment: "callback_fragment_not_allowed"
        case .path: "callback_path_malformed"
        case .host: "callback_host_malformed"
        case .localHost: "callback_host_is_local"
        case .numericHost: "callback_host_is_a_number"
        case .addressForbidden: "callback_address_forbidden"
        case .port: "callback_port_malformed"
        }
    }

    /// For people; says what to do.
    package var message: String {
        switch self {
        case .tooLong(let bytes, let limit): "An address has at most \(limit) bytes; this one has \(bytes)."
        case .notASCII:
            "An address has visible ASCII characters only: write a host name in its xn-- form and percent-encode the rest."
        case .schemeNotAllowed(allowsHTTP: true): "An address begins with https:// or http:// and a host."
        case .schemeNotAllowed(allowsHTTP: false): "An address begins with https:// and a host."
        case .userInfo: "An address has no user name or password; a secret can be part of the path or the query."
        case .fragment: "An address has no fragment: leave out the # and what follows it."
        case .path: "Percent-encode what RFC 3986 does not allow in a path or a query."
        case .host: "The host must be a DNS name, an IPv4 address or an IPv6 address in brackets."
        case .localHost: "The host names this machine itself; the operator may allow its address, as in 127.0.0.1."
        case .numericHost: "Write an IPv4 address as four decimal numbers without leading zeros."
        case .addressForbidden(let address, let meaning):
            "The address \(address) may not be called (\(meaning)); use a public one, or ask the operator to allow it."
        case .port: "A port is a number from 1 to 65535."
        }
    }
}
