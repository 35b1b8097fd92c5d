import Logging

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What a generation leaves on disk if its engine ends before it.
enum EngineOutput {
    /// What an engine writes to before the file has its name: the name with this behind.
    static let temporarySuffix = ".part"

    /// Removes the output of a generation that has none, finished or not.
    static func discard(_ output: String, _ logger: Logger) {
        for path in [output, output + temporarySuffix] where unlink(path) != 0 && errno != ENOENT {
            logger.error("output of an ended generation cannot be removed", metadata: ["errno": "\(errno)"])
        }
    }
}
