import Foundation
import NIOSSL
import Tasks
import TestSupport
import Testing

@testable import Webhooks

/// Certificates, on real connections.
struct SecureReceiverTests {
    /// Sends one callback over TLS, with one attempt, and checks how it ended.
    private func expect(
        _ code: String?,
        host: String = "receiver.test",
        listeningOn address: String = "127.0.0.1",
        certificate names: String = "DNS:receiver.test",
        speaksTLS: Bool = true,
        isTrusted: Bool = true
    ) async throws {
        let certificate = try await TestCertificate(for: names)
        let receiver = CallbackReceiver()
        var settings = SenderWorld.quick
        settings.delays = []
        try await receiver.listen(on: address, tls: speaksTLS ? certificate.context : nil) {
            try await SenderWorld.run(
                settings,
                trustRoots: isTrusted ? .also([certificate.certificate]) : .system
            ) { world in
                try await world.succeed("a", "https://\(host):\(receiver.port)/hook")
                let ended = try await world.wait(for: 1, code == nil ? .delivered : .dead).first
                #expect(ended?.failure?.code == code)
                #expect(receiver.received.count == (code == nil ? 1 : 0))
            }
        }
    }

    @Test("A certificate is compared with the name, though the connection goes to an address")
    func name() async throws {
        try await expect(nil)
    }

    @Test("A certificate of an address is good for that address", arguments: ["127.0.0.1", "::1"])
    func address(_ address: String) async throws {
        try await expect(
            nil,
            host: address == "::1" ? "[::1]" : address,
            listeningOn: address,
            certificate: "IP:\(address)"
        )
    }

    @Test("A file of authorities is read as a whole, or refused")
    func trustRoots() async throws {
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/authorities.pem"
            #expect(throws: (any Error).self) { try TrustRoots(alsoIn: file) }
            for content in ["", "no certificate\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
                try Data(content.utf8).write(to: URL(filePath: file))
                #expect(throws: (any Error).self) { try TrustRoots(alsoIn: file) }
            }
            try Data(try await TestCertificate(for: "DNS:receiver.test").pem.utf8).write(to: URL(filePath: file))
            guard case .also(let read) = try TrustRoots(alsoIn: file) else { throw Missing() }
            #expect(read.count == 1)
        }
    }

    /// The authorities are not those of the file.
    private struct Missing: Error {}

    @Test("A certificate of another name is refused, and nothing is sent")
    func otherName() async throws {
        try await expect("callback_tls_failed", certificate: "DNS:other.test")
    }

    @Test("A certificate of the address is not one of the name")
    func addressForName() async throws {
        try await expect("callback_tls_failed", certificate: "IP:127.0.0.1")
    }

    @Test("A certificate that nobody vouches for is refused, and nothing is sent")
    func untrusted() async throws {
        try await expect("callback_tls_failed", isTrusted: false)
    }

    @Test("A receiver without TLS is sent nothing over https")
    func plain() async throws {
        try await expect("callback_tls_failed", speaksTLS: false)
    }

    @Test(
        "A wildcard stands for one whole label",
        arguments: [
            ("a.example.org", "a.example.org", true), ("*.example.org", "a.example.org", true),
            ("*.example.org", "example.org", false), ("*.example.org", "a.b.example.org", false),
            ("a*.example.org", "ab.example.org", false), ("*.org", "example.org", false), ("*", "org", false),
            ("example.org", "a.example.org", false),
        ]
    )
    func wildcard(_ pattern: String, _ host: String, _ isGood: Bool) {
        #expect(NIOSSLCertificate.matches(pattern, host) == isGood)
    }
}
