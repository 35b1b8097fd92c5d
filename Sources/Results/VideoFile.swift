import Foundation
import NIOCore
import NIOPosix
import Results

/// An open video.
///
/// Closed when nobody holds it any more, whether it was sent or not.
final class VideoFile: Sendable {
    /// Read, and held in memory for one client, at a time.
    static let chunkBytes = 65_536

    private let descriptor: CInt
    private let pool: NIOThreadPool

    private init(descriptor: CInt, pool: NIOThreadPool) {
        self.descriptor = descriptor
        self.pool = pool
    }

    deinit {
        close(descriptor)
    }

    /// Opens a video on a thread that may block.
    ///
    /// - Throws: `unavailable` if it cannot be opened, `damaged` if it has not the length it should have.
    static func open(
        _ video: StoredVideo,
        pool: NIOThreadPool = .singleton
    ) async throws(ResultStoreError) -> VideoFile {
        let opened: Result<VideoFile, ResultStoreError>
        do {
            opened = try await pool.runIfActive { openBlocking(video, pool: pool) }
        } catch {
            throw .unavailable("The threads for files are stopped")
        }
        return try opened.get()
    }

    private static func openBlocking(_ video: StoredVideo, pool: NIOThreadPool) -> Result<VideoFile, ResultStoreError> {
        let descriptor = Foundation.open(video.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(.unavailable("open: errno \(errno)")) }
        let file = VideoFile(descriptor: descriptor, pool: pool)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(.unavailable("fstat: errno \(errno)")) }
        guard Int64(status.st_size) == video.bytes else { return .failure(.damaged(video.name)) }
        return .success(file)
    }

    /// Reads at most a chunk of a range, on a thread that may block.
    ///
    /// - Throws: an I/O error; `EndOfFile` if the file has become shorter.
    func chunk(of range: Range<Int64>) async throws -> ByteBuffer {
        let count = Int(min(Int64(Self.chunkBytes), range.upperBound - range.lowerBound))
        return try await pool.runIfActive { [self] in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            let read = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
                while true {
                    let read = pread(descriptor, target.baseAddress, count, off_t(range.lowerBound))
                    if read >= 0 { return read }
                    guard errno == EINTR else { throw IOError(errnoCode: errno, reason: "pread") }
                }
            }
            guard read > 0 else { throw EndOfFile() }
            return buffer
        }
    }

    /// A file ended before the range that was asked for.
    struct EndOfFile: Error {}
}
