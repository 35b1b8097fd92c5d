import Foundation
package import Logging
import Synchronization
import Tasks

/// An audit log of lines of JSON in a file that its owner alone can read.
///
/// A full file is put aside as `audit.jsonl.1`, that one as `.2`, and so on. A line that cannot be written is an error in the
/// server's log, and what it tells of is done all the same: a full disk must not keep anybody from revoking a key.
package final class FileAuditLog: AuditLog {
    /// Files that are kept, the current one included.
    private static let files = 8

    private struct State {
        /// `nil`: not open.
        var descriptor: CInt?
        var bytes = 0
    }

    private let path: String
    private let maxBytes: Int
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - directory: where the files are kept; the first is opened when something is written.
    ///   - maxBytes: of one file.
    ///   - logger: gets what could not be written.
    package init(directory: String, maxBytes: Int = 16 << 20, logger: Logger) {
        path = "\(directory)/audit.jsonl"
        self.maxBytes = maxBytes
        self.logger = logger
    }

    deinit {
        state.withLock { state in
            if let descriptor = state.descriptor { close(descriptor) }
        }
    }

    package func write(_ entry: AuditEntry) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let line = try encoder.encode(Line(entry)) + Data("\n".utf8)
            try state.withLock { state throws(WriteFailure) in try append(line, &state) }
        } catch {
            logger.error(
                "A line of the audit log is lost",
                metadata: ["action": "\(entry.action)", "request_id": "\(entry.requestID)", "cause": "\(error)"]
            )
        }
    }

    private func append(_ line: Data, _ state: inout State) throws(WriteFailure) {
        var descriptor = try opened(&state)
        if state.bytes > 0, state.bytes + line.count > maxBytes {
            rotate(&state)
            descriptor = try opened(&state)
        }
        let written = line.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.count else { throw .last("write") }
        state.bytes += line.count
    }

    private func opened(_ state: inout State) throws(WriteFailure) -> CInt {
        if let descriptor = state.descriptor { return descriptor }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open") }
        state.descriptor = descriptor
        state.bytes = Int(lseek(descriptor, 0, SEEK_END))
        return descriptor
    }

    /// Puts the current file aside; what cannot be renamed is written on.
    private func rotate(_ state: inout State) {
        if let descriptor = state.descriptor { close(descriptor) }
        state = State()
        for number in (1..<Self.files).reversed() {
            rename(number == 1 ? path : "\(path).\(number - 1)", "\(path).\(number)")
        }
    }

    /// What the system said.
    private struct WriteFailure: Error, CustomStringConvertible {
        let description: String

        static func last(_ call: String) -> WriteFailure {
            WriteFailure(description: "\(call): \(String(cString: strerror(errno)))")
        }
    }

    /// An entry as it is written.
    private struct Line: Encodable {
        let action: String
        let key: String
        let outcome: String
        let peer: String
        let request_id: String
        let target: String
        let time: String

        init(_ entry: AuditEntry) {
            action = entry.action
            key = entry.key
            outcome = entry.outcome
            peer = entry.peer
            request_id = entry.requestID
            target = entry.target
            let moment = Date(timeIntervalSince1970: Double(entry.time.milliseconds) / 1000)
            time = moment.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
    }
}
