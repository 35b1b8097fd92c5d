import Foundation
import TestSupport
import Testing

@testable import TasksSQLite

@Suite("File locks")
struct FileLockTests {
    @Test("A file that was let go can be locked, though a process that is being started has its descriptor still")
    func inherited() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            let lock = try FileLock(path: path)
            let name = "\(URL(filePath: directory).lastPathComponent)/lock"
            let own = try #require(
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").first { entry in
                    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(entry)")
                    return target?.hasSuffix(name) == true
                }.flatMap { Int32($0) }
            )
            // As between fork and exec.
            let inherited = dup(own)
            defer { close(inherited) }
            lock.release()
            try FileLock(path: path).release()
        }
    }
}
