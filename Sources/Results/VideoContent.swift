package import NIOCore

/// The bytes of a video or of something made from it, open for reading.
///
/// Whoever holds one can read it to its end, whatever is removed meanwhile.
package enum VideoContent: Sendable {
    case memory(ByteBuffer)
    case file(VideoFile)
    /// Somewhere else: an address that a client may fetch it from for a while, without any other right.
    case elsewhere(url: String, bytes: Int64)

    /// The length in bytes.
    package var bytes: Int64 {
        switch self {
        case .memory(let buffer): Int64(buffer.readableBytes)
        case .file(let file): file.bytes
        case .elsewhere(_, let bytes): bytes
        }
    }
}
