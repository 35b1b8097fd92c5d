import HummingbirdCore
import NIOCore
import Results

extension ResponseBody {
    /// A part of a file.
    ///
    /// - Parameters:
    ///   - file: open; it stays so until the last byte is sent, whatever becomes of its name.
    ///   - range: within the file.
    ///   - channel: where the response goes.
    init(_ file: VideoFile, _ range: Range<Int64>, over channel: any Channel) {
        self.init(contentLength: range.count) { writer in
            var sender = FileSender(file, range, over: channel)
            defer { sender.close() }
            while let chunk = try await sender.sendWhatNeedsNoBytes() { try await writer.write(chunk) }
            try await writer.finish(nil)
        }
    }
}

/// Sends a part of a file as the body of a response.
///
/// What the system has in memory goes from there to the connection, and never through this process. The rest is read
/// on a thread that may wait for a disk, a chunk at a time: a connection shares its own thread with many others.
private struct FileSender {
    /// Sent at once: enough that asking and waiting cost little beside sending, and not more than is sure to be in
    /// memory still when its turn comes.
    private static let pieceBytes: Int64 = 1 << 18

    private let file: VideoFile
    private let channel: any Channel
    private var rest: Range<Int64>
    /// `nil` where the bytes themselves are needed.
    private var handle: NIOFileHandle?

    init(_ file: VideoFile, _ range: Range<Int64>, over channel: any Channel) {
        self.file = file
        self.channel = channel
        rest = range
        // Where no more files can be open, there is the other way.
        handle = try? file.handle()
    }

    /// Ends the sending; of no effect the second time.
    mutating func close() {
        // Nothing is being sent from it: every piece was waited for.
        try? handle?.close()
        handle = nil
    }

    /// Sends pieces up to the next one whose bytes are needed.
    ///
    /// - Returns: those bytes, for the caller to send before anything else; `nil` at the end.
    /// - Throws: if the connection ends, or the file cannot be read.
    mutating func sendWhatNeedsNoBytes() async throws -> ByteBuffer? {
        while !rest.isEmpty, let handle {
            let piece = rest.lowerBound..<min(rest.upperBound, rest.lowerBound + Self.pieceBytes)
            guard file.isInMemory(piece) else { break }
            if try await send(piece, from: handle) {
                rest = piece.upperBound..<rest.upperBound
            } else {
                close()
            }
        }
        guard !rest.isEmpty else { return nil }
        let chunk = try await file.chunk(of: rest)
        rest = rest.lowerBound + Int64(chunk.readableBytes)..<rest.upperBound
        return chunk
    }

    /// Has the connection send a piece.
    ///
    /// - Returns: `false`, and nothing is sent, if it cannot.
    private func send(_ piece: Range<Int64>, from handle: NIOFileHandle) async throws -> Bool {
        let region = FileRegion(
            fileHandle: handle,
            readerIndex: Int(piece.lowerBound),
            endIndex: Int(piece.upperBound)
        )
        do {
            try await channel.triggerUserOutboundEvent(FilePiece(region: region)).get()
            return true
        } catch ChannelError.operationUnsupported {
            return false
        }
    }
}
