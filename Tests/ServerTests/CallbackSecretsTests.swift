import Foundation
import TestSupport
import Testing
import Webhooks

@testable import Server

@Suite("Secrets of callbacks")
struct CallbackSecretsTests {
    @Test("The secret is made once, and its owner alone can read it")
    func once() async throws {
        try await withTemporaryDirectory { directory in
            let secret = try CallbackSecrets.secret(in: directory)
            #expect(try CallbackSecrets.secret(in: directory) == secret)
            let path = "\(directory)/\(CallbackSecrets.fileName)"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == secret.text + "\n")
        }
    }

    @Test("A file that is no secret, or cannot be read, is an error and stays as it is")
    func kept() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/\(CallbackSecrets.fileName)"
            for content in [Data(), Data("whsec_c2hvcnQ=\n".utf8), Data([0xFF, 0xFE])] {
                try content.write(to: URL(filePath: path))
                #expect(throws: ServerError.self) { try CallbackSecrets.secret(in: directory) }
                #expect(try Data(contentsOf: URL(filePath: path)) == content)
            }
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(throws: ServerError.self) { try CallbackSecrets.secret(in: directory) }
            #expect(throws: ServerError.self) { try CallbackSecrets.secret(in: "\(directory)/none") }
        }
    }
}
