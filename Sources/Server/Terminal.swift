import Foundation

/// What a person looks at.
struct Terminal: Equatable {
    /// Of a terminal that does not say how large it is.
    static let standard = Terminal(columns: 80, rows: 24)

    var columns: Int
    var rows: Int

    /// The size of the terminal behind a descriptor; `nil` if there is none.
    static func behind(_ descriptor: Int32) -> Terminal? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return standard }
        return Terminal(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    /// Whether colours may be used: on a terminal, and unless the environment has `NO_COLOR` (no-color.org).
    static func takesColour(
        _ descriptor: Int32,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Bool {
        isatty(descriptor) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Writes text to standard error.
    static func writeError(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// Writes text to standard output at once, whoever reads it.
    static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
