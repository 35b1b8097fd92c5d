import Crypto
import Foundation

/// The hash of a stream of bytes, and of each part of it, in one pass.
struct PartHashes: Sendable {
    private let partBytes: Int
    private var whole = SHA256()
    private var part = SHA256()
    private var room: Int
    private var parts: [String] = []

    init(partBytes: Int) {
        self.partBytes = partBytes
        room = partBytes
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        whole.update(bufferPointer: bytes)
        var rest = bytes
        while !rest.isEmpty {
            let count = min(room, rest.count)
            part.update(bufferPointer: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            room -= count
            if room == 0 { endPart() }
        }
    }

    /// The name of the content, and the hashes of its parts; an empty content has one empty part.
    mutating func finish() -> (name: VideoName, parts: [String]) {
        if room < partBytes || parts.isEmpty { endPart() }
        return (VideoName(whole.finalize()), parts)
    }

    private mutating func endPart() {
        parts.append(part.finalize().hexadecimal)
        part = SHA256()
        room = partBytes
    }
}

extension Data {
    /// In hexadecimal.
    var sha256: String { SHA256.hash(data: self).hexadecimal }
}
