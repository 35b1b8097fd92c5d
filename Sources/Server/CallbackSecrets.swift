import Foundation
import Webhooks

/// The secret of a server that was given none: made at the first start and kept in the data directory.
enum CallbackSecrets {
    static let fileName = "callback.secret"

    /// The secret in a data directory; made now if there is none.
    ///
    /// - Throws: `dataDirectoryUnusable` if it cannot be read or written, or is none.
    static func secret(in directory: String) throws(ServerError) -> WebhookSecret {
        let path = "\(directory)/\(fileName)"
        if let data = FileManager.default.contents(atPath: path) {
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let secret = WebhookSecret(text) else {
                throw .dataDirectoryUnusable("\(path) holds no secret of callbacks; remove it to have a new one made")
            }
            return secret
        }
        let secret = WebhookSecret()
        // Readable by its owner alone from the first moment, and whole or not there.
        let temporary = path + ".new"
        unlink(temporary)
        let isMade = FileManager.default.createFile(
            atPath: temporary,
            contents: Data((secret.text + "\n").utf8),
            attributes: [.posixPermissions: 0o600]
        )
        guard isMade, rename(temporary, path) == 0 else {
            throw .dataDirectoryUnusable("\(path) cannot be written")
        }
        return secret
    }
}
