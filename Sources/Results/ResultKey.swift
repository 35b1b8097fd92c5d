import Crypto
package import Foundation

/// What a video is found by: SHA-256 of everything that shapes it.
///
/// Equal keys, equal video.
package struct ResultKey: Hashable, Sendable, CustomStringConvertible {
    /// 64 hexadecimal digits.
    package let hex: String
    /// A seed for requests that leave it open; a function of the key, so that making the video again makes the same.
    package let derivedSeed: UInt32

    /// - Parameters:
    ///   - canonicalRequest: the one spelling of the request.
    ///   - modelFingerprint: of the checkpoint.
    ///   - engineVersion: rises whenever the engine makes other pixels from the same input.
    ///   - scope: who shares the video with whom, such as a tenant; `nil` if everybody does.
    package init(canonicalRequest: Data, modelFingerprint: String, engineVersion: String, scope: String? = nil) {
        var hash = SHA256()
        var parts = [
            Data("animato-result-1".utf8), Data(engineVersion.utf8), Data(modelFingerprint.utf8), canonicalRequest,
        ]
        if let scope { parts.append(Data(scope.utf8)) }
        // Each part is preceded by its length: no two lists of parts make one stream of bytes.
        for part in parts {
            withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: part)
        }
        let digest = hash.finalize()
        hex = digest.hexadecimal
        derivedSeed = digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    package var description: String { hex }
}

extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0xF)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
