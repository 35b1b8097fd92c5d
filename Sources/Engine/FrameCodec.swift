import Foundation
import NIOCore

/// What is wrong with a frame; the peer that sent it is broken.
enum FrameFault: Error, Sendable, Equatable {
    /// The header announces a body of this many bytes: none, or more than the bound.
    case length(Int)
    /// The body is not a JSON object of a known type with all its fields.
    case body(String)

    /// For people.
    var message: String {
        switch self {
        case .length(let length): "a frame announces a body of \(length) bytes"
        case .body(let reason): "a frame holds no message of the protocol: \(reason)"
        }
    }
}

/// Frames of the engine protocol: four bytes with the length, big-endian, then that many bytes of JSON.
struct FrameCodec: Sendable {
    static let maximumBodyBytes = 1_048_576

    /// Bytes that are not yet a whole frame: less than one, and what the last read brought.
    private var buffer = ByteBuffer()

    /// Adds what was read.
    mutating func append(_ bytes: ByteBuffer) {
        buffer.writeImmutableBuffer(bytes)
    }

    /// Adds what was read.
    mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.writeBytes(bytes)
    }

    /// The next message of those whose frames are whole; `nil` until there is one.
    mutating func next() throws(FrameFault) -> EngineMessage? {
        guard let header = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard (1...Self.maximumBodyBytes).contains(Int(header)) else { throw .length(Int(header)) }
        guard let body = buffer.readLengthPrefixedSlice(endianness: .big, as: UInt32.self) else { return nil }
        defer { buffer.discardReadBytes() }
        do {
            return try JSONDecoder().decode(EngineMessage.self, from: Data(body.readableBytesView))
        } catch {
            throw .body(Self.reason(error))
        }
    }

    /// The frame of an order; `nil` if the body is over the bound or no JSON, as it is with an infinite number.
    static func frame(_ order: EngineOrder) -> ByteBuffer? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let body = try? encoder.encode(order), body.count <= maximumBodyBytes else { return nil }
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(body.count))
        frame.writeBytes(body)
        return frame
    }

    /// Where the body is wrong, without quoting it: it may hold a prompt.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it cannot be read" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context.codingPath)) has the wrong type"
        case .keyNotFound(let key, let context):
            return "\(path(context.codingPath + [key])) is missing"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "it is no JSON" : "\(path(context.codingPath)) has no valid value"
        @unknown default:
            return "it cannot be read"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.isEmpty ? "it" : String(keys.map(\.stringValue).joined(separator: ".").prefix(100))
    }
}
