import Foundation
import Testing

/// A real file system with little room, so that tests can fill it.
package enum SmallDisk {
    /// Whether this process may mount one.
    ///
    /// In CI it must: there a test that needs a small disk fails without it.
    package static let isAvailable: Bool = {
        ProcessInfo.processInfo.environment["CI"] != nil || geteuid() == 0
    }()

    package struct MountFailed: Error {
        package var command: String
    }

    /// Runs a body with the root of an empty file system of a given size, and unmounts it afterwards.
    package static func with<Value>(bytes: Int, _ body: (String) async throws -> Value) async throws -> Value {
        try await withTemporaryDirectory { directory in
            try run("/bin/mount", "-t", "tmpfs", "-o", "size=\(bytes)", "tmpfs", directory)
            let value: Value
            do {
                value = try await body(directory)
            } catch {
                try run("/bin/umount", "-l", directory)
                throw error
            }
            try run("/bin/umount", "-l", directory)
            return value
        }
    }

    /// Fills the file system until nothing more can be written.
    ///
    /// - Returns: the path of the file that fills it; remove it to make room.
    package static func fill(_ directory: String) throws -> String {
        let path = "\(directory)/filler"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw MountFailed(command: "open \(path)") }
        defer { close(descriptor) }
        for size in [65_536, 4096, 1] {
            let block = [UInt8](repeating: 0, count: size)
            while write(descriptor, block, size) == size {}
        }
        return path
    }

    /// Lets nothing more be written, as a system does that met an error on a disk.
    package static func makeReadOnly(_ directory: String) throws {
        try run("/bin/mount", "-o", "remount,ro", directory)
    }

    private static func run(_ program: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw MountFailed(command: ([program] + arguments).joined(separator: " "))
        }
    }
}
