import Foundation
import Logging
import Synchronization
import Tasks

/// Writes the log to standard error, one line a message.
struct LogWriter: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private var label = ""
    private let format: LogFormat
    private let isColored: Bool
    private let clock = SystemClock()

    /// Lines of several threads must not be mixed.
    private static let turn = Mutex(())

    /// - Parameters:
    ///   - format: of the lines.
    ///   - level: the least severe messages that are written.
    ///   - environment: of the process.
    init(
        _ format: LogFormat,
        level: Logger.Level,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.format = format
        logLevel = level
        isColored = isatty(STDERR_FILENO) == 1 && Self.showsColors(environment)
    }

    /// The same for the logger of a name.
    func labelled(_ label: String) -> LogWriter {
        var copy = self
        copy.label = label
        return copy
    }

    /// Whether a terminal is to be shown colours: not if `NO_COLOR` says anything, nor on one that has none.
    static func showsColors(_ environment: [String: String]) -> Bool {
        environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = metadata
        if let own = event.metadata { metadata.merge(own) { _, new in new } }
        let entry = LogEntry(
            time: clock.wallTime(),
            level: event.level,
            label: label,
            message: "\(event.message)",
            metadata: metadata
        )
        var line = format.line(entry, isColored: isColored)
        Self.turn.withLock { _ in line.withUTF8 { Self.write(UnsafeRawBufferPointer($0)) } }
    }

    /// What cannot be written is lost: there is nowhere to say so.
    private static func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
            let count = Foundation.write(STDERR_FILENO, start, rest.count)
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return
            }
        }
    }
}
