/// The address of a receiver of callbacks, known to be one that the server may call.
///
/// A name may still lead to addresses that it may not: those are judged when it is resolved.
package struct CallbackURL: Sendable, Hashable, CustomStringConvertible {
    /// Characters at most.
    package static let maxLength = 2048

    /// As the client wrote it.
    package let text: String
    /// `scheme://host:port`, in lower case: deliveries with equal receivers share its limits.
    package let receiver: String

    /// Reads back an address that was stored, and so was allowed once.
    package init(stored text: String, receiver: String) {
        self.text = text
        self.receiver = receiver
    }

    /// The receiver alone: what follows it may be secret, and logs show this.
    package var description: String { receiver }
}

extension CallbackURL {
    /// Parses what a client gave; strictly, since a server that reads an address otherwise than its library does can be
    /// led anywhere.
    ///
    /// - Parameters:
    ///   - text: `http` or `https`, host, perhaps port, path and query, in visible ASCII characters.
    ///   - policy: which schemes and addresses are allowed.
    package init(_ text: String, policy: CallbackPolicy) throws(CallbackRefusal) {
        guard text.utf8.count <= Self.maxLength else { throw .tooLong }
        // A backslash is a slash to some parsers, and the others of these belong to no address (RFC 3986, section 2).
        let foreign = Set("\\\"<>^`{|}".utf8)
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !foreign.contains($0) }) else { throw .malformed }
        guard let mark = text.firstRange(of: "://") else { throw .malformed }
        let scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" && policy.allowsHTTP else { throw .schemeNotAllowed }
        let rest = text[mark.upperBound...]
        guard !rest.contains("#") else { throw .hasFragment }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw .hasUserInfo }
        let (host, port) = try Self.split(authority, standardPort: scheme == "https" ? 443 : 80)
        try Self.check(host, policy)
        self.init(stored: text, receiver: "\(scheme)://\(host):\(port)")
    }

    private static func split(
        _ authority: Substring,
        standardPort: Int
    ) throws(CallbackRefusal) -> (host: String, port: Int) {
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .malformed }
            host = authority[...end]
            let behind = authority[authority.index(after: end)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { throw .malformed }
            port = behind.isEmpty ? nil : behind.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty else { throw .malformed }
        guard let port else { return (host.lowercased(), standardPort) }
        guard (1...5).contains(port.utf8.count), port.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(port), (1...65535).contains(number)
        else { throw .malformed }
        return (host.lowercased(), number)
    }

    private static func check(_ host: String, _ policy: CallbackPolicy) throws(CallbackRefusal) {
        if host.hasPrefix("[") {
            guard let address = IPAddress(host.dropFirst().dropLast()), !address.isIPv4 else { throw .hostNotAllowed }
            guard policy.allows(address) else { throw .addressForbidden }
            return
        }
        if let address = IPAddress(host) {
            guard policy.allows(address) else { throw .addressForbidden }
            return
        }
        try checkName(host)
    }

    /// RFC 1123 names, with underscores, which are in use; a dot at the end is allowed.
    private static func checkName(_ host: String) throws(CallbackRefusal) {
        let name = host.hasSuffix(".") ? host.dropLast() : Substring(host)
        guard (1...253).contains(name.utf8.count) else { throw .hostNotAllowed }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            let isPlain = label.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
            }
            guard isPlain, (1...63).contains(label.utf8.count), !label.hasPrefix("-"), !label.hasSuffix("-") else {
                throw .hostNotAllowed
            }
        }
        // What ends in a number is an address in disguise: decimal, octal or hexadecimal, shortened or whole
        // (WHATWG URL, "ends in a number checker").
        guard let last = labels.last, !last.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !last.hasPrefix("0x") else {
            throw .hostNotAllowed
        }
        // RFC 6761: these are this machine, whatever the resolver says.
        guard last != "localhost" else { throw .addressForbidden }
    }
}
