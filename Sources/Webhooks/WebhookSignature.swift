import Crypto
import Foundation
import Tasks

/// The header fields that let a receiver know who sent a callback, and when.
///
/// Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, one signature for each secret that is valid.
enum WebhookSignature {
    /// - Parameters:
    ///   - id: the same in every attempt.
    ///   - time: of this attempt.
    ///   - body: what is sent.
    ///   - secrets: those that are valid, the newest first.
    /// - Returns: the fields, in the order of the specification.
    static func headers(
        id: String,
        time: Timestamp,
        body: Data,
        secrets: [WebhookSecret]
    ) -> [(name: String, value: String)] {
        let seconds = String(time.milliseconds / 1000)
        let signed = Data("\(id).\(seconds).".utf8) + body
        let signatures = secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret.bytes))
            return "v1,\(Data(code).base64EncodedString())"
        }
        return [
            ("webhook-id", id), ("webhook-timestamp", seconds),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
