import Foundation
package import NIOCore

extension VideoFile {
    /// The open file once more, for NIO to send from.
    ///
    /// NIO advises against its handles because they are easily leaked, and offers nothing else that sends without a copy.
    /// Each response has one of its own: a handle refuses to be used twice at once.
    ///
    /// - Returns: a handle that its caller closes, once, when nothing is being sent from it any more.
    /// - Throws: `unavailable` where no more files can be open.
    package func handle() throws(ResultStoreError) -> NIOFileHandle {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw Disk.failure("open once more", path) }
        return NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: copy)
    }

    /// Whether all of a range can be sent without waiting for a disk: the system has it in memory.
    ///
    /// - Parameter range: not empty.
    /// - Returns: `false` also if the file has become shorter. What is in memory may leave it right afterwards.
    package func isInMemory(_ range: Range<Int64>) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, range.upperBound <= Int64(status.st_size) else { return false }
        let pageBytes = Int64(sysconf(CInt(_SC_PAGESIZE)))
        let start = range.lowerBound / pageBytes * pageBytes
        let length = Int(range.upperBound - start)
        // Mapped for the question alone; the mapping is never read.
        guard let address = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, off_t(start)), address != MAP_FAILED
        else { return false }
        defer { munmap(address, length) }
        #if canImport(Darwin)
        var pages = [CChar](repeating: 0, count: (length + Int(pageBytes) - 1) / Int(pageBytes))
        #else
        var pages = [UInt8](repeating: 0, count: (length + Int(pageBytes) - 1) / Int(pageBytes))
        #endif
        return mincore(address, length, &pages) == 0 && pages.allSatisfy { $0 & 1 == 1 }
    }
}
