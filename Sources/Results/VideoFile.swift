import Crypto
import Foundation
package import NIOCore
import NIOPosix

/// An open file of a result store.
///
/// It can be read to its end whatever becomes of its name, and is closed when nobody holds it any more.
package final class VideoFile: Sendable {
    /// Read, and held in memory for one client, at a time.
    package static let chunkBytes = 65_536
    /// Read at a time where a whole file is gone through.
    private static let longChunkBytes = 1 << 20

    /// The length when it was opened.
    package let bytes: Int64
    let status: FileStatus
    let path: String
    /// Open as long as this is there.
    let descriptor: CInt

    private init(path: String, descriptor: CInt, status: FileStatus) {
        self.path = path
        self.descriptor = descriptor
        self.status = status
        bytes = status.bytes
    }

    deinit {
        close(descriptor)
    }

    /// Opens a file; `nil` if it is not there; blocks.
    static func open(_ path: String) throws(ResultStoreError) -> VideoFile? {
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw Disk.failure("open", path) }
            return nil
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            defer { close(descriptor) }
            throw Disk.failure("look at", path)
        }
        return VideoFile(path: path, descriptor: descriptor, status: FileStatus(status))
    }

    /// Reads at most a chunk of a range, on a thread that may block.
    ///
    /// - Throws: `unavailable`, also if the file has become shorter.
    package func chunk(of range: Range<Int64>) async throws(ResultStoreError) -> ByteBuffer {
        let count = Int(min(Int64(Self.chunkBytes), range.upperBound - range.lowerBound))
        return try await NIOThreadPool.singleton.blocking { () throws(ResultStoreError) in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            guard try self.read(at: range.lowerBound, atMost: count, into: &buffer) > 0 else { throw self.isShorter }
            return buffer
        }
    }

    /// All of it; blocks.
    func content() throws(ResultStoreError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: Int(bytes))
        while buffer.readableBytes < Int(bytes) {
            let rest = min(Self.longChunkBytes, Int(bytes) - buffer.readableBytes)
            let count = try read(at: Int64(buffer.readableBytes), atMost: rest, into: &buffer)
            guard count > 0 else { throw isShorter }
        }
        return buffer
    }

    /// Goes through all of it, in order; blocks.
    func forEachChunk(_ body: (UnsafeRawBufferPointer) -> Void) throws(ResultStoreError) {
        var buffer = ByteBufferAllocator().buffer(capacity: Self.longChunkBytes)
        var offset: Int64 = 0
        while true {
            buffer.clear()
            let count = try read(at: offset, atMost: Self.longChunkBytes, into: &buffer)
            if count == 0 { return }
            buffer.withUnsafeReadableBytes(body)
            offset += Int64(count)
        }
    }

    /// The name that its content gives it; blocks.
    func contentName() throws(ResultStoreError) -> VideoName {
        var hash = SHA256()
        try forEachChunk { hash.update(bufferPointer: $0) }
        return VideoName(hash.finalize())
    }

    /// Makes what was written last through a power failure; blocks.
    func sync() throws(ResultStoreError) {
        guard fsync(descriptor) == 0 else { throw Disk.failure("sync", path) }
    }

    /// Sets the time of modification.
    ///
    /// - Returns: whether the file system took it.
    @discardableResult
    func touch(_ milliseconds: Int64) -> Bool {
        let time = timespec(tv_sec: time_t(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
        return futimens(descriptor, [time, time]) == 0
    }

    private var isShorter: ResultStoreError { .unavailable("\(path) has become shorter while it was read") }

    private func read(at offset: Int64, atMost count: Int, into buffer: inout ByteBuffer) throws(ResultStoreError)
        -> Int
    {
        var isRead = true
        let read = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
            while true {
                let read = pread(descriptor, target.baseAddress, count, off_t(offset))
                if read >= 0 { return read }
                guard errno == EINTR else {
                    isRead = false
                    return 0
                }
            }
        }
        guard isRead else { throw Disk.failure("read", path) }
        return read
    }
}

extension VideoName {
    init(_ digest: SHA256.Digest) {
        self.init(validHex: digest.hexadecimal)
    }
}
