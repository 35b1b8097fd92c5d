import NIOSSL

/// What the server proves with who it is: a certificate with its chain, and its key.
package struct TLSIdentity: Sendable {
    /// Why files are no identity; names the file.
    package struct Fault: Error, Equatable {
        /// For people.
        package var message: String
    }

    /// For TLS 1.2 and above, and HTTP/1.1 alone.
    let configuration: TLSConfiguration

    /// Reads the files, once.
    ///
    /// - Parameters:
    ///   - certificate: a PEM file; the server's certificate first, then those between it and an authority.
    ///   - key: a PEM file, without a pass phrase.
    /// - Throws: if one of them is not that, or they do not belong together.
    package init(certificate: String, key: String) throws(Fault) {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate)
        } catch {
            throw Fault(message: "\(certificate) cannot be read as certificates in PEM")
        }
        guard !chain.isEmpty else { throw Fault(message: "\(certificate) has no certificate in it") }
        let privateKey: NIOSSLPrivateKey
        do {
            // Without an answer to give, a pass phrase is not asked for at the terminal.
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem) { setter in setter([]) }
        } catch {
            throw Fault(message: "\(key) cannot be read as a key in PEM without a pass phrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(privateKey)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(message: "\(key) is not the key of \(certificate)")
        }
        self.configuration = configuration
    }
}
