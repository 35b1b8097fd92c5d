import Crypto
import Foundation
import NIOCore

/// The description as a server gives it, with its own address.
extension OpenAPIDocument {
    /// The JSON text.
    ///
    /// - Parameter origin: what stands in front of our paths.
    /// - Returns: one object.
    static func body(at origin: String) -> ByteBuffer {
        var server = JSONWriter(capacity: 64)
        server.string(origin)
        var body = ByteBuffer(string: beforeServer)
        body.writeImmutableBuffer(server.buffer)
        body.writeString(afterServer)
        return body
    }

    /// Another one for every text.
    static func tag(at origin: String) -> EntityTag {
        var hash = SHA256()
        hash.update(data: digest)
        hash.update(data: Data(origin.utf8))
        return EntityTag(String(hash.finalize().description.suffix(64).prefix(32)))
    }

    private static let digest = Data(SHA256.hash(data: Data((beforeServer + afterServer).utf8)))
}
