import NIOSSL

extension RedisSettings {
    /// How the server proves who it is; `nil` without TLS.
    ///
    /// - Throws: `unavailable` if the authorities cannot be read.
    func tlsContext() throws(RedisError) -> NIOSSLContext? {
        guard url.usesTLS else { return nil }
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if let authorities { configuration.trustRoots = .file(authorities) }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .unavailable("the certificates of authorities cannot be read: \(error)")
        }
    }
}
