import Foundation
import Webhooks

/// The secret of a server that was given none: made at the first start and kept in the data directory.
enum CallbackSecrets {
    static let fileName = "callback.secret"

    /// The secret in a data directory; made now if there is none.
    ///
    /// A file that is there and cannot be read is never replaced: receivers know what is in it.
    ///
    /// - Throws: `dataDirectoryUnusable` if it cannot be read or written, or is none.
    static func secret(in directory: String) throws(ServerError) -> WebhookSecret {
        let path = "\(directory)/\(fileName)"
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            guard let secret = WebhookSecret(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw ServerError.dataDirectoryUnusable("\(path) holds no secret; remove it to have a new one made")
            }
            return secret
        } catch let error as ServerError {
            throw error
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            return try make(path, in: directory)
        } catch {
            throw .dataDirectoryUnusable("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// Readable by its owner alone from the first moment, and whole or not there, also after a power failure.
    private static func make(_ path: String, in directory: String) throws(ServerError) -> WebhookSecret {
        let secret = WebhookSecret()
        let temporary = path + ".new"
        unlink(temporary)
        let bytes = Array((secret.text + "\n").utf8)
        let isMade = synced(temporary, O_WRONLY | O_CREAT | O_EXCL) { write($0, bytes, bytes.count) == bytes.count }
        guard isMade, rename(temporary, path) == 0, synced(directory, O_RDONLY | O_DIRECTORY, { _ in true }) else {
            throw .dataDirectoryUnusable("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        return secret
    }

    /// Opens something, does something with it, and has it on disk.
    private static func synced(_ path: String, _ flags: Int32, _ body: (CInt) -> Bool) -> Bool {
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return body(descriptor) && fsync(descriptor) == 0
    }
}
