package import NIOSSL

/// Whose certificates receivers may have.
package enum TrustRoots: Sendable {
    /// The authorities that the system trusts.
    case system
    /// These alone.
    case certificates([NIOSSLCertificate])

    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if case .certificates(let certificates) = self {
            configuration.trustRoots = .certificates(certificates)
        }
        return configuration
    }
}
