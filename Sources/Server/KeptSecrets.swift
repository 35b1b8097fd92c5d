import Crypto
import Foundation
import Tasks
import Webhooks

/// The secrets of a server that was given none: made at the first start that needs them and kept in the data directory,
/// or, where several processes must have the same, where they agree on them.
struct KeptSecrets {
    static let callbackFile = "callback.secret"
    static let videoLinkFile = "video-links.secret"
    static let storeNameFile = "store.name"

    /// The data directory.
    let directory: String
    /// `nil`: the server is alone.
    let coordination: (any Coordination)?

    /// What callbacks are signed with.
    ///
    /// - Throws: `dataDirectoryUnusable` or `storeUnusable` if it cannot be read or written, or is none.
    func callbackSecret() async throws(ServerError) -> WebhookSecret {
        guard let coordination else { return try Self.callbackSecret(in: directory) }
        let agreed = try await Self.agreed(Self.callbackFile, WebhookSecret().text, coordination)
        guard let secret = WebhookSecret(agreed) else { throw .storeUnusable("\(Self.callbackFile) is no secret") }
        return secret
    }

    /// What addresses of videos are signed with while the server asks for keys.
    ///
    /// - Throws: `dataDirectoryUnusable` or `storeUnusable` if it cannot be read or written, or is none.
    func videoLinkSecret() async throws(ServerError) -> String {
        guard let coordination else { return try Self.videoLinkSecret(in: directory) }
        let agreed = try await Self.agreed(Self.videoLinkFile, Self.newLinkSecret(), coordination)
        guard agreed.utf8.count >= 32 else { throw .storeUnusable("\(Self.videoLinkFile) is no secret") }
        return agreed
    }

    /// What tells the task store from all others; no secret, but kept as one.
    ///
    /// - Throws: `dataDirectoryUnusable` or `storeUnusable` if it cannot be read or written, or is none.
    func storeName() async throws(ServerError) -> String {
        guard let coordination else { return try Self.storeName(in: directory) }
        return try await Self.agreed(Self.storeNameFile, UUID().uuidString.lowercased(), coordination)
    }

    private static func agreed(
        _ name: String,
        _ proposal: String,
        _ coordination: any Coordination
    ) async throws(ServerError) -> String {
        do {
            return String(
                decoding: try await coordination.agree(on: name, proposing: Array(proposal.utf8)), as: UTF8.self)
        } catch {
            throw .storeUnusable("\(error)")
        }
    }

    private static func newLinkSecret() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// What callbacks are signed with.
    ///
    /// - Throws: `dataDirectoryUnusable` if it cannot be read or written, or is none.
    static func callbackSecret(in directory: String) throws(ServerError) -> WebhookSecret {
        try secret(callbackFile, in: directory, new: { WebhookSecret() }, read: { WebhookSecret($0) }, write: \.text)
    }

    /// What addresses of videos are signed with while the server asks for keys.
    ///
    /// - Throws: `dataDirectoryUnusable` if it cannot be read or written, or is none.
    static func videoLinkSecret(in directory: String) throws(ServerError) -> String {
        try secret(
            videoLinkFile,
            in: directory,
            new: newLinkSecret,
            read: { $0.count >= 32 ? $0 : nil },
            write: \.self
        )
    }

    /// What tells the task store of this directory from all others; no secret, but kept as one.
    ///
    /// - Throws: `dataDirectoryUnusable` if it cannot be read or written, or is none.
    static func storeName(in directory: String) throws(ServerError) -> String {
        try secret(
            storeNameFile,
            in: directory,
            new: { UUID().uuidString.lowercased() },
            read: { UUID(uuidString: $0) == nil ? nil : $0 },
            write: \.self
        )
    }

    /// The secret in a file; made now if there is none.
    ///
    /// A file that is there and cannot be read is never replaced: others know what is in it.
    private static func secret<Secret>(
        _ fileName: String,
        in directory: String,
        new: () -> Secret,
        read: (String) -> Secret?,
        write: (Secret) -> String
    ) throws(ServerError) -> Secret {
        let path = "\(directory)/\(fileName)"
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            guard let secret = read(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw ServerError.dataDirectoryUnusable("\(path) holds no secret; remove it to have a new one made")
            }
            return secret
        } catch let error as ServerError {
            throw error
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            let secret = new()
            try make(write(secret), path, in: directory)
            return secret
        } catch {
            throw .dataDirectoryUnusable("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// Readable by its owner alone from the first moment, and whole or not there, also after a power failure.
    private static func make(_ text: String, _ path: String, in directory: String) throws(ServerError) {
        let temporary = path + ".new"
        unlink(temporary)
        let bytes = Array((text + "\n").utf8)
        let isMade = synced(temporary, O_WRONLY | O_CREAT | O_EXCL) { write($0, bytes, bytes.count) == bytes.count }
        guard isMade, rename(temporary, path) == 0, synced(directory, O_RDONLY | O_DIRECTORY, { _ in true }) else {
            throw .dataDirectoryUnusable("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Opens something, does something with it, and has it on disk.
    private static func synced(_ path: String, _ flags: Int32, _ body: (CInt) -> Bool) -> Bool {
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return body(descriptor) && fsync(descriptor) == 0
    }
}
