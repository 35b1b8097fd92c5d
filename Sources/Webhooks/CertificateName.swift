import NIOSSL

extension NIOSSLCertificate {
    /// Whether this certificate names a host, itself or by a wildcard for its first label (RFC 9525).
    ///
    /// Only DNS names count: neither addresses nor the common name.
    func isGood(for host: String) -> Bool {
        _subjectAlternativeNames().contains { name in
            name.nameType == .dnsName && Self.matches(String(decoding: name.contents, as: UTF8.self).lowercased(), host)
        }
    }

    /// - Parameters:
    ///   - pattern: what a certificate says, in small letters.
    ///   - host: a name in small letters.
    /// - Returns: whether the one stands for the other.
    static func matches(_ pattern: String, _ host: String) -> Bool {
        guard pattern.hasPrefix("*.") else { return pattern == host }
        // A wildcard stands for one whole label, and never for a name directly below the root.
        guard let dot = host.firstIndex(of: "."), pattern.dropFirst(2).contains(".") else { return false }
        return pattern.dropFirst() == host[dot...]
    }
}
