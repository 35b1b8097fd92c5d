import Foundation

/// A file that at most one process holds locked.
///
/// The kernel lets go of it when the process ends, however it ends.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `inUse` if another process, or another value in this one, holds it.
    init(path: String) throws(SQLiteTaskStoreOpenError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unusable("\(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let cause = errno
            Foundation.close(descriptor)
            throw cause == EWOULDBLOCK ? .inUse(path: path) : .unusable("\(path): \(String(cString: strerror(cause)))")
        }
        self.descriptor = descriptor
    }

    /// Lets go.
    ///
    /// Once; the file stays, so that no second process can lock another one of the same name.
    func release() {
        // A process that is just being started has the descriptor as well, until it runs what it was started for.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
