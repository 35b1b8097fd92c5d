/// The parts of a receiver's address, each in its one form.
///
/// The grammar is narrower than that of RFC 3986, so that no two programs can read one text as two places.
package struct CallbackEndpoint: Sendable, Hashable {
    /// Bytes of an address, at most.
    package static let maxBytes = 2048

    package enum Scheme: String, Sendable {
        case http, https

        var defaultPort: Int { self == .https ? 443 : 80 }
    }

    package enum Host: Sendable, Hashable {
        /// A DNS name in small letters.
        case name(String)
        case address(IPAddress)
    }

    package let scheme: Scheme
    package let host: Host
    package let port: Int
    /// Path and query as they are asked for; begins with a slash.
    package let target: String

    /// Reads an address.
    ///
    /// - Parameters:
    ///   - text: what a client wrote.
    ///   - policy: what the operator allows.
    /// - Throws: the first thing that is wrong with it.
    package init(_ text: String, policy: CallbackPolicy) throws(CallbackRefusal) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maxBytes else {
            throw .tooLong(bytes: bytes.count, limit: Self.maxBytes)
        }
        guard bytes.allSatisfy({ 0x21...0x7e ~= $0 }) else { throw .notASCII }
        let (scheme, afterScheme) = try Self.scheme(bytes, policy)
        guard !afterScheme.contains(UInt8(ascii: "#")) else { throw .fragment }
        let end = afterScheme.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? afterScheme.endIndex
        let authority = afterScheme[..<end]
        guard !authority.contains(UInt8(ascii: "@")) else { throw .userInfo }
        (host, port) = try Self.hostAndPort(authority, scheme.defaultPort, policy)
        target = try Self.target(afterScheme[end...])
        self.scheme = scheme
    }

    /// `scheme://host:port`.
    package var receiver: String { "\(scheme.rawValue)://\(hostText):\(port)" }

    /// The host as it stands in an address.
    package var hostText: String {
        switch host {
        case .name(let name): name
        case .address(.v4(let bits)): IPAddress.v4(bits).description
        case .address(let address): "[\(address)]"
        }
    }

    // MARK: Reading

    private static func scheme(
        _ bytes: [UInt8],
        _ policy: CallbackPolicy
    ) throws(CallbackRefusal) -> (Scheme, ArraySlice<UInt8>) {
        let separator = Array("://".utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: separator),
            let scheme = Scheme(rawValue: String(decoding: bytes[..<colon], as: UTF8.self).lowercased()),
            scheme == .https || policy.allowsHTTP
        else { throw .schemeNotAllowed(allowsHTTP: policy.allowsHTTP) }
        return (scheme, bytes[(colon + separator.count)...])
    }

    private static func hostAndPort(
        _ authority: ArraySlice<UInt8>,
        _ defaultPort: Int,
        _ policy: CallbackPolicy
    ) throws(CallbackRefusal) -> (Host, Int) {
        var end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        if authority.first == UInt8(ascii: "[") {
            guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .host }
            end = bracket + 1
        }
        let host = try host(String(decoding: authority[..<end], as: UTF8.self).lowercased(), policy)
        guard end < authority.endIndex else { return (host, defaultPort) }
        let digits = authority[(end + 1)...]
        guard authority[end] == UInt8(ascii: ":") else { throw .host }
        guard 1...5 ~= digits.count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let port = Int(String(decoding: digits, as: UTF8.self)), 1...65535 ~= port
        else { throw .port }
        return (host, port)
    }

    private static func host(_ text: String, _ policy: CallbackPolicy) throws(CallbackRefusal) -> Host {
        let isBracketed = text.hasPrefix("[")
        let literal = isBracketed ? text.dropFirst().dropLast() : text[...]
        if let address = IPAddress(literal) {
            // An IPv6 address stands in brackets, an IPv4 address does not.
            if case .v4 = address { guard !isBracketed else { throw .host } }
            if let meaning = policy.objection(to: address) { throw .addressForbidden(address, meaning: meaning) }
            return .address(address)
        }
        guard !isBracketed else { throw .host }
        try check(name: text)
        return .name(text)
    }

    /// The rules of RFC 1123 for names, and the one of the URL standard for names that end in a number.
    private static func check(name: String) throws(CallbackRefusal) {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard !name.isEmpty, name.utf8.count <= 253, labels.allSatisfy(isLabel) else { throw .host }
        if let last = labels.last, isNumber(last) { throw .numericHost }
        if labels.last == "localhost" { throw .localHost }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        1...63 ~= label.utf8.count && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether programs may read a last label as a number: all digits, or `0x` and hexadecimal digits.
    private static func isNumber(_ label: Substring) -> Bool {
        label.allSatisfy(\.isNumber) || label.hasPrefix("0x") && label.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    private static func target(_ bytes: ArraySlice<UInt8>) throws(CallbackRefusal) -> String {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: "%") {
                let digits = bytes[(index + 1)...].prefix(2)
                guard digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
                    throw .path
                }
            } else if !isAlphanumeric(bytes[index]), !punctuation.contains(bytes[index]) {
                throw .path
            }
            index += 1
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasPrefix("/") ? text : "/\(text)"
    }

    /// What RFC 3986 allows in a path and a query beside letters, digits and percent-encoded bytes.
    private static let punctuation = Set("-._~!$&'()*+,;=:@/?".utf8)
}
