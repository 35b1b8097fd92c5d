import Foundation
import TestSupport
import Testing
import Webhooks

@testable import Server

@Suite("Secrets that the server makes")
struct KeptSecretsTests {
    @Test("The secret is made once, and its owner alone can read it")
    func once() async throws {
        try await withTemporaryDirectory { directory in
            let secret = try KeptSecrets.callbackSecret(in: directory)
            #expect(try KeptSecrets.callbackSecret(in: directory) == secret)
            let path = "\(directory)/\(KeptSecrets.callbackFile)"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == secret.text + "\n")
        }
    }

    @Test("The secret of links is another, made once, and its owner alone can read it")
    func links() async throws {
        try await withTemporaryDirectory { directory in
            let secret = try KeptSecrets.videoLinkSecret(in: directory)
            #expect(try KeptSecrets.videoLinkSecret(in: directory) == secret)
            #expect(secret.utf8.count == 44)
            let path = "\(directory)/\(KeptSecrets.videoLinkFile)"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
        }
    }

    @Test("A file that is no secret, or cannot be read, is an error and stays as it is")
    func kept() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/\(KeptSecrets.callbackFile)"
            for content in [Data(), Data("whsec_c2hvcnQ=\n".utf8), Data([0xFF, 0xFE])] {
                try content.write(to: URL(filePath: path))
                #expect(throws: ServerError.self) { try KeptSecrets.callbackSecret(in: directory) }
                #expect(try Data(contentsOf: URL(filePath: path)) == content)
            }
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(throws: ServerError.self) { try KeptSecrets.callbackSecret(in: directory) }
            #expect(throws: ServerError.self) { try KeptSecrets.callbackSecret(in: "\(directory)/none") }
        }
    }
}
