import Foundation
import Synchronization

/// Locks of names: held by threads that may block, never over anything but a few file system calls.
///
/// On a folder that several processes share, they hold between those processes as well, through files of a directory
/// that every process locks; the file system lets go of them when a process or its machine goes down.
final class NameLocks: Sendable {
    private let locks: [NameLock]

    /// - Parameters:
    ///   - count: how many there are; several names share one.
    ///   - directory: of the files; `nil`: only this process is there.
    /// - Throws: `full`, `unavailable`.
    init(_ count: Int, sharedIn directory: String? = nil) throws(ResultStoreError) {
        if let directory { try Disk.createDirectory(directory) }
        var locks: [NameLock] = []
        for index in 0..<max(1, count) {
            let path = directory.map { "\($0)/\(index)" }
            locks.append(NameLock(try path.map { (path) throws(ResultStoreError) in try LockFile(path) }))
        }
        self.locks = locks
    }

    /// Runs a body while no other holds the lock of a name.
    ///
    /// - Throws: what the body throws; `unavailable` where the file system does not lock.
    func locked<Value>(
        _ hex: String,
        _ body: () throws(ResultStoreError) -> Value
    ) throws(ResultStoreError) -> Value {
        // The same in every process.
        let place = Int(hex.prefix(4), radix: 16) ?? 0
        return try locks[place % locks.count].locked(body)
    }
}

private final class NameLock: Sendable {
    private let mutex = Mutex(())
    private let file: LockFile?

    init(_ file: LockFile?) {
        self.file = file
    }

    func locked<Value>(_ body: () throws(ResultStoreError) -> Value) throws(ResultStoreError) -> Value {
        try mutex.withLock { (_) throws(ResultStoreError) in
            try file?.lock()
            defer { file?.unlock() }
            return try body()
        }
    }
}

/// A file that processes lock in turn.
private final class LockFile: Sendable {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws(ResultStoreError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Disk.failure("open", path) }
    }

    deinit {
        close(descriptor)
    }

    func lock() throws(ResultStoreError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw Disk.failure("lock", path) }
        }
    }

    func unlock() {
        flock(descriptor, LOCK_UN)
    }
}
