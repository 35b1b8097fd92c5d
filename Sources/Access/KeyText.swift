import Crypto
package import Foundation
package import Tasks

/// A key as its holder has it: `animato_`, an id, a secret and a checksum, of `0-9 A-Z a-z`.
///
/// It is never stored, and never part of a description.
package struct KeyText: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private static let prefix = "animato_"
    private static let idLength = 12
    private static let secretLength = 32
    private static let checksumLength = 6

    /// All of it, for its holder alone.
    package let text: String
    package let id: KeyID

    /// A new one, from the system's source of randomness.
    package init() {
        var source = SystemRandomNumberGenerator()
        self.init(of: KeyID(rawValue: Base62.random(Self.idLength, from: &source)))
    }

    /// A new one for an id that has one already.
    package init(of id: KeyID) {
        var source = SystemRandomNumberGenerator()
        let body = Self.prefix + id.rawValue + Base62.random(Self.secretLength, from: &source)
        self.id = id
        text = body + Self.checksum(of: body)
    }

    /// Reads a key; `nil` for what was never one, which its checksum tells.
    package init?(_ text: String) {
        let count = Self.prefix.utf8.count + Self.idLength + Self.secretLength + Self.checksumLength
        guard text.utf8.count == count, text.hasPrefix(Self.prefix),
            text.utf8.dropFirst(Self.prefix.utf8.count).allSatisfy(Base62.isDigit),
            Self.checksum(of: String(text.dropLast(Self.checksumLength))) == text.suffix(Self.checksumLength)
        else { return nil }
        self.text = text
        id = KeyID(rawValue: String(text.dropFirst(Self.prefix.count).prefix(Self.idLength)))
    }

    /// What stores keep in its place.
    package var hash: Data { Data(SHA256.hash(data: Data(text.utf8))) }

    /// Its public part.
    package var description: String { "\(Self.prefix)\(id)…" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id.rawValue]) }

    private static func checksum(of body: String) -> String {
        Base62.text(of: CRC32.checksum(of: body.utf8), length: checksumLength)
    }
}

/// Numbers in digits and letters.
private enum Base62 {
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    static func random(_ length: Int, from source: inout SystemRandomNumberGenerator) -> String {
        let chosen = (0..<length).map { _ in digits[Int.random(in: 0..<digits.count, using: &source)] }
        return String(decoding: chosen, as: UTF8.self)
    }

    /// The last digits of a number, the highest first.
    static func text(of number: UInt32, length: Int) -> String {
        var rest = Int(number)
        var text: [UInt8] = []
        for _ in 0..<length {
            text.append(digits[rest % digits.count])
            rest /= digits.count
        }
        return String(decoding: text.reversed(), as: UTF8.self)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            false
        }
    }
}

/// CRC-32 as of ISO-HDLC (zip, Ethernet): finds every slip of a typist, and keeps nothing secret.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { value, byte in table[Int((value ^ UInt32(byte)) & 0xFF)] ^ value >> 8 }
    }
}
