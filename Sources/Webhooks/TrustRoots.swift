package import NIOSSL

/// Whose certificates receivers may have.
package enum TrustRoots: Sendable {
    /// The authorities that the system trusts.
    case system
    /// Those, and these.
    case also([NIOSSLCertificate])

    /// The system's authorities, and those in a file.
    ///
    /// - Parameter file: PEM, one certificate or more.
    /// - Throws: if it cannot be read or holds none.
    package init(alsoIn file: String) throws {
        let certificates = try NIOSSLCertificate.fromPEMFile(file)
        guard !certificates.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
        self = .also(certificates)
    }

    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if case .also(let certificates) = self {
            configuration.additionalTrustRoots = [.certificates(certificates)]
        }
        return configuration
    }
}
