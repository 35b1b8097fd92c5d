import Foundation
import NIOSSL
import TestSupport
import Testing

/// A certificate that vouches for itself, made anew for each test by the `openssl` of the machine.
struct TestCertificate: Sendable {
    let certificate: NIOSSLCertificate
    let context: NIOSSLContext
    /// The certificate as a file has it.
    let pem: String

    /// Makes a certificate.
    ///
    /// - Parameter names: whom it is good for, as in `DNS:receiver.test` or `IP:127.0.0.1`.
    /// - Throws: if `openssl` is missing or does not do it.
    init(for names: String) async throws {
        (certificate, context, pem) = try await withTemporaryDirectory { directory in
            let key = "\(directory)/key.pem"
            let file = "\(directory)/certificate.pem"
            try await Self.openssl([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=animato test", "-addext", "subjectAltName=\(names)", "-keyout", key, "-out", file,
            ])
            let certificate = try #require(try NIOSSLCertificate.fromPEMFile(file).first)
            let context = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: [.certificate(certificate)],
                    privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))
                )
            )
            return (certificate, context, try String(contentsOfFile: file, encoding: .utf8))
        }
    }

    private static func openssl(_ arguments: [String]) async throws {
        let status = try await withCheckedThrowingContinuation { continuation in
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["openssl"] + arguments
            process.standardError = FileHandle.nullDevice
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        try #require(status == 0, "openssl is needed to make certificates")
    }
}
