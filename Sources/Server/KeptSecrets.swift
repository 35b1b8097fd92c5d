import Crypto
import Foundation
import Webhooks

/// The secrets of a server that was given none: made at the first start that needs them and kept in the data directory.
enum KeptSecrets {
    static let callbackFile = "callback.secret"
    static let videoLinkFile = "video-links.secret"
    static let storeNameFile = "store.name"

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
            new: { SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() } },
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
