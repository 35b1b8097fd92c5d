import Crypto
import Foundation
import NIOPosix
import Synchronization

/// A file on its way in, hashed while it is written.
///
/// For one writer. What is neither adopted nor discarded is removed at the next start.
package final class StagedMedia: Sendable {
    private struct State {
        var descriptor: CInt
        var hash = SHA256()
        var bytes: Int64 = 0
        var name: String?
    }

    /// Where it lies until it is adopted or discarded.
    package let path: String
    private let threads: NIOThreadPool
    private let state: Mutex<State>

    /// Creates the file; blocks.
    init(path: String, threads: NIOThreadPool) throws(ResultStoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Disk.failure("create", path) }
        self.path = path
        self.threads = threads
        state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        let descriptor = state.withLock { $0.descriptor }
        if descriptor >= 0 { Foundation.close(descriptor) }
    }

    /// What has been appended so far.
    package var bytes: Int64 { state.withLock { $0.bytes } }

    /// The hash of the content, once it is finished.
    var name: String? { state.withLock { $0.name } }

    /// Writes the next part.
    ///
    /// - Throws: `full`, `unavailable`.
    package func append(_ part: [UInt8]) async throws(ResultStoreError) {
        try await threads.blocking { () throws(ResultStoreError) in
            try self.state.withLock { (state) throws(ResultStoreError) in
                guard state.descriptor >= 0 else { throw .unavailable("the file is finished") }
                var rest = part[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes {
                        Foundation.write(state.descriptor, $0.baseAddress, $0.count)
                    }
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { throw Disk.failure("write", self.path) }
                    rest = rest.dropFirst(count)
                }
                part.withUnsafeBytes { state.hash.update(bufferPointer: $0) }
                state.bytes += Int64(part.count)
            }
        }
    }

    /// Syncs the file and closes it for writing.
    ///
    /// - Returns: SHA-256 of the content in lower-case hexadecimal, and its length.
    /// - Throws: `full`, `unavailable`.
    package func finish() async throws(ResultStoreError) -> (hex: String, bytes: Int64) {
        try await threads.blocking { () throws(ResultStoreError) in
            try self.state.withLock { (state) throws(ResultStoreError) in
                guard state.descriptor >= 0 else { throw .unavailable("the file is finished") }
                guard fsync(state.descriptor) == 0 else { throw Disk.failure("sync", self.path) }
                Foundation.close(state.descriptor)
                state.descriptor = -1
                let name = state.hash.finalize().hexadecimal
                state.name = name
                return (name, state.bytes)
            }
        }
    }

    /// Removes the file; nothing happens if it was adopted or discarded before.
    package func discard() async {
        // What cannot be removed now is removed at the next start.
        try? await threads.blocking { () throws(ResultStoreError) in try Disk.remove(self.path) }
    }

    /// Marks the file as modified at a time in milliseconds since 1970; blocks.
    func touch(_ milliseconds: Int64) {
        let time = timeval(
            tv_sec: Int(milliseconds / 1000),
            tv_usec: .init(milliseconds % 1000 * 1000)
        )
        // Where the mark cannot be written the time of writing stands, which is as good but for a test's clock.
        _ = utimes(path, [time, time])
    }
}
