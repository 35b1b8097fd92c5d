import Crypto
import Foundation

/// A key that callbacks are signed with, as Standard Webhooks writes it: `whsec_` and base64 of 24 to 64 bytes.
package struct WebhookSecret: Sendable, Equatable, CustomStringConvertible {
    private static let prefix = "whsec_"

    let bytes: [UInt8]

    /// `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.prefix), let data = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))),
            (24...64).contains(data.count)
        else { return nil }
        bytes = Array(data)
    }

    /// A new one.
    package init() {
        bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    }

    /// The text form, for the receivers' owner.
    package var text: String { Self.prefix + Data(bytes).base64EncodedString() }

    /// Never the secret itself.
    package var description: String { "whsec_…" }
}
