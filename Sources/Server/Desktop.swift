import Foundation

/// Shows files to a person with the program that the desktop has for them.
enum Desktop {
    #if os(macOS)
    static let opener = "open"
    #else
    static let opener = "xdg-open"
    #endif

    /// Starts the opener, and does not wait for it: it may go on for as long as somebody looks at the file.
    ///
    /// - Returns: why it could not be started; `nil` if it was.
    static func open(
        _ file: String,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String? {
        guard let program = path(of: opener, in: environment["PATH"] ?? "") else {
            return "there is no \(opener) on this machine; the video is in \(file)"
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [file]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
            return nil
        } catch {
            return "\(opener) cannot be started: \(error.localizedDescription)"
        }
    }

    /// Where a program is.
    static func path(of program: String, in directories: String) -> String? {
        directories.split(separator: ":").map { "\($0)/\(program)" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }
}
