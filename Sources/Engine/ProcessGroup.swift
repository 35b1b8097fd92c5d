import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The process group of one engine, as long as its number cannot mean anyone else.
final class ProcessGroup: Sendable {
    private let leader: Mutex<pid_t?>

    /// - Parameter leader: a process that is not reaped before `close()`.
    init(leader: pid_t) {
        self.leader = Mutex(leader)
    }

    /// The process id of the leader; `nil` after `close()`.
    var processID: pid_t? {
        leader.withLock { $0 }
    }

    /// SIGTERM to all of the group.
    func terminate() {
        send(SIGTERM)
    }

    /// SIGKILL to all of the group.
    func kill() {
        send(SIGKILL)
    }

    /// From here on nothing is sent any more: the number is about to be free for others.
    func close() {
        leader.withLock { $0 = nil }
    }

    private func send(_ signal: CInt) {
        leader.withLock { leader in
            guard let leader else { return }
            // Fails only if the whole group is gone, and then there is nothing to do.
            _ = killpg(leader, signal)
        }
    }
}
