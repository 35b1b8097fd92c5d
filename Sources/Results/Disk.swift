import Foundation
import NIOPosix

/// File system calls that block, with errors that say what they mean for callers.
enum Disk {
    static func createDirectory(_ path: String) throws(ResultStoreError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("create", path) }
    }

    /// Makes the names in a directory last through a power failure.
    static func syncDirectory(_ path: String) throws(ResultStoreError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    /// Writes a new file and syncs it.
    static func write(_ content: Data, to path: String) throws(ResultStoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    static func move(_ source: String, to target: String) throws(ResultStoreError) {
        guard rename(source, target) == 0 else { throw failure("rename", source) }
    }

    /// Removes a file; one that is not there is as good as removed.
    static func remove(_ path: String) throws(ResultStoreError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes a file that was being written, unless another process may still be writing it.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - isShared: whether there are other processes.
    /// - Throws: `unavailable`.
    static func removeLeftover(_ path: String, isShared: Bool) throws(ResultStoreError) {
        if isShared {
            let before = WallClock.milliseconds() - StagingDirectory.leftoverAge
            guard let status = try status(of: path), status.modified < before else { return }
        }
        try remove(path)
    }

    /// What is known of a file without opening it; `nil` if it is not there.
    static func status(of path: String) throws(ResultStoreError) -> FileStatus? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw failure("look at", path) }
            return nil
        }
        return FileStatus(status)
    }

    /// The names in a directory; none if it is not there.
    static func names(in path: String) throws(ResultStoreError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            return []
        } catch {
            throw .unavailable("cannot list \(path): \(error.localizedDescription)")
        }
    }

    /// What the last system call's `errno` means for callers.
    static func failure(_ action: String, _ path: String) -> ResultStoreError {
        let cause = errno
        guard cause != ENOSPC, cause != EDQUOT else { return .full }
        return .unavailable("cannot \(action) \(path): \(String(cString: strerror(cause)))")
    }
}

/// What a file system knows of a file.
struct FileStatus: Sendable, Equatable {
    let bytes: Int64
    /// Milliseconds since 1970.
    let modified: Int64
    /// Tells two files apart that had one name after another.
    let identity: UInt64

    init(_ status: stat) {
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        bytes = Int64(status.st_size)
        modified = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        identity = UInt64(status.st_ino)
    }
}

extension NIOThreadPool {
    /// Runs what blocks on one of the pool's threads.
    func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ResultStoreError) -> Value
    ) async throws(ResultStoreError) -> Value {
        let result: Result<Value, ResultStoreError>
        do {
            result = try await runIfActive { Result(catching: body) }
        } catch {
            throw .unavailable("the threads for files are stopped")
        }
        return try result.get()
    }
}
