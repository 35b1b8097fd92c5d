import SystemPackage

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Two connected stream sockets, one for each side of an engine's channel.
struct SocketPair {
    let ours: FileDescriptor
    let theirs: FileDescriptor

    /// Opens both, closed on `exec`: no other child may hold an end, or its peer would never see the channel end.
    ///
    /// - Throws: the reason, as the system has it.
    init() throws(Errno) {
        var descriptors: [CInt] = [-1, -1]
        #if os(Linux)
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        #else
        let type = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, type, 0, &descriptors) == 0 else { throw Errno(rawValue: errno) }
        #if !os(Linux)
        for descriptor in descriptors {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        #endif
        ours = FileDescriptor(rawValue: descriptors[0])
        theirs = FileDescriptor(rawValue: descriptors[1])
    }
}
