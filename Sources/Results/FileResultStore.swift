import Crypto
import Foundation
package import Logging
import NIOPosix
import Synchronization

/// Videos as files in a directory, under the hash of their content.
///
///     videos/3f/3f0c….mp4   finished, complete, synced
///     staging/              being written by engines; emptied at start
///     damaged/              content did not match the name; kept for a person to look at
package final class FileResultStore: ResultStore {
    /// Files read in one go while hashing.
    private static let chunkBytes = 1 << 20
    /// Names remembered as verified; when there are more, all are forgotten and verified again when they are found.
    private static let verifiedLimit = 100_000

    private let root: String
    private let logger: Logger
    private let threads: NIOThreadPool
    private let verified = Mutex<Set<VideoName>>([])

    /// Opens the store in a directory, and creates what is missing there.
    ///
    /// - Parameters:
    ///   - directory: absolute path of an existing directory; one process at a time.
    ///   - logger: for damaged files.
    /// - Throws: `full`, `unavailable`.
    package init(directory: String, logger: Logger) throws(ResultStoreError) {
        root = directory
        self.logger = logger
        threads = NIOThreadPool(numberOfThreads: 2)
        for folder in ["videos", "staging", "damaged"] {
            try Self.createDirectory("\(directory)/\(folder)")
        }
        // Nobody is writing yet: what is there was left by a process that died.
        for leftover in (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/staging")) ?? [] {
            unlink("\(directory)/staging/\(leftover)")
        }
        threads.start()
    }

    /// Ends the store's threads; nothing may be asked afterwards.
    package func close() async throws {
        try await threads.shutdownGracefully()
    }

    package func stagingPath(for name: String) -> String {
        "\(root)/staging/\(name).mp4"
    }

    package func adopt(_ stagingPath: String) async throws(ResultStoreError) -> StoredVideo {
        try await onThread {
            let (name, bytes) = try Self.hash(stagingPath, sync: true)
            let folder = "\(self.root)/videos/\(name.hex.prefix(2))"
            try Self.createDirectory(folder)
            let path = self.path(of: name)
            guard rename(stagingPath, path) == 0 else { throw Self.failure("rename", stagingPath) }
            try Self.syncDirectory(folder)
            self.remember(name)
            return StoredVideo(name: name, bytes: bytes, path: path)
        }
    }

    package func video(_ name: VideoName) async throws(ResultStoreError) -> StoredVideo? {
        let path = path(of: name)
        if verified.withLock({ $0.contains(name) }) {
            return Self.size(of: path).map { StoredVideo(name: name, bytes: $0, path: path) }
        }
        return try await onThread {
            guard Self.size(of: path) != nil else { return nil }
            let (actual, bytes) = try Self.hash(path, sync: false)
            guard actual == name else {
                rename(path, "\(self.root)/damaged/\(name.hex).mp4")
                self.logger.error("A video is damaged and was set aside", metadata: ["video": "\(name)"])
                throw ResultStoreError.damaged(name)
            }
            self.remember(name)
            return StoredVideo(name: name, bytes: bytes, path: path)
        }
    }

    package func contains(_ name: VideoName, bytes: Int64) -> Bool {
        Self.size(of: path(of: name)) == bytes
    }

    private func path(of name: VideoName) -> String {
        "\(root)/videos/\(name.hex.prefix(2))/\(name.hex).mp4"
    }

    private func remember(_ name: VideoName) {
        verified.withLock { verified in
            if verified.count >= Self.verifiedLimit { verified.removeAll(keepingCapacity: true) }
            verified.insert(name)
        }
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws(ResultStoreError) -> Value {
        do {
            return try await threads.runIfActive(body)
        } catch let error as ResultStoreError {
            throw error
        } catch {
            throw .unavailable("\(error)")
        }
    }

    // MARK: Files

    /// The hash and the length of a file; optionally syncs it to disk.
    private static func hash(_ path: String, sync: Bool) throws -> (VideoName, Int64) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Foundation.close(descriptor) }
        var hash = SHA256()
        var total: Int64 = 0
        var buffer = [UInt8](repeating: 0, count: chunkBytes)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { break }
            hash.update(data: buffer[..<count])
            total += Int64(count)
        }
        if sync, fsync(descriptor) != 0 { throw failure("sync", path) }
        guard let name = VideoName(hash.finalize().hexadecimal) else {
            throw ResultStoreError.unavailable("SHA-256 gave no name for \(path)")
        }
        return (name, total)
    }

    private static func size(of path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    private static func createDirectory(_ path: String) throws(ResultStoreError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("create", path) }
    }

    private static func syncDirectory(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Foundation.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    /// What the last system call's `errno` means for callers.
    private static func failure(_ action: String, _ path: String) -> ResultStoreError {
        let cause = errno
        guard cause != ENOSPC, cause != EDQUOT else { return .full }
        return .unavailable("cannot \(action) \(path): \(String(cString: strerror(cause)))")
    }
}
