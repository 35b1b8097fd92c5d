import API
import Logging
import Tasks

/// How a line of the log looks.
enum LogFormat: String, CaseIterable, Sendable {
    /// Columns for people.
    case human
    /// One JSON object for programs.
    case json

    /// Of a message, a label or one value; the rest is left out.
    static let maxValueBytes = 4096
    /// Of a line: fields that would make it longer are left out, and the line says so.
    static let maxLineBytes = 16_384
    /// Of values within values; deeper ones are written as text.
    private static let maxDepth = 4

    /// Writes a line, with its end.
    ///
    /// - Parameters:
    ///   - entry: what is said.
    ///   - isColored: whether the reader is a terminal that shows colours; of no effect on `json`.
    /// - Returns: exactly one line, whatever the entry holds.
    func line(_ entry: LogEntry, isColored: Bool = false) -> String {
        switch self {
        case .human: Self.human(entry, isColored)
        case .json: Self.json(entry)
        }
    }

    // MARK: JSON

    /// Names of the fields that every line has; metadata of that name gets another.
    private static let ownFields: Set<String> = ["time", "level", "message", "logger", "truncated"]

    private static func json(_ entry: LogEntry) -> String {
        var line = "{\"time\":\(quoted(entry.timeText)),\"level\":\"\(entry.level.rawValue)\""
        line += ",\"message\":\(quoted(entry.message)),\"logger\":\(quoted(entry.label))"
        var isTruncated = false
        for (key, value) in entry.metadata.sorted(by: { $0.key < $1.key }) {
            let name = ownFields.contains(key) ? key + "_" : key
            let field = ",\(quoted(name)):\(json(value, depth: 0))"
            if line.utf8.count + field.utf8.count > maxLineBytes {
                isTruncated = true
            } else {
                line += field
            }
        }
        return line + (isTruncated ? ",\"truncated\":true}\n" : "}\n")
    }

    private static func json(_ value: Logger.MetadataValue, depth: Int) -> String {
        switch value {
        case .string(let text): return quoted(text)
        case .stringConvertible(let value): return quoted(value.description)
        case .array, .dictionary:
            guard depth < maxDepth else { return quoted("\(value)") }
            if case .array(let values) = value {
                return "[" + values.map { json($0, depth: depth + 1) }.joined(separator: ",") + "]"
            }
            guard case .dictionary(let fields) = value else { return "null" }
            let members = fields.sorted { $0.key < $1.key }.map {
                "\(quoted($0.key)):\(json($0.value, depth: depth + 1))"
            }
            return "{" + members.joined(separator: ",") + "}"
        }
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> String {
        // Most text needs none of this.
        if text.utf8.count <= maxValueBytes, text.utf8.allSatisfy({ $0.isPlain && $0 != UInt8(ascii: "\\") }) {
            return "\"\(text)\""
        }
        var quoted = "\""
        for scalar in cut(text).unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.isControl: quoted += "\\u" + scalar.fourDigits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    // MARK: For people

    private static func human(_ entry: LogEntry, _ isColored: Bool) -> String {
        let level = padded(entry.level.rawValue, to: 8)
        let message = entry.metadata.isEmpty ? plain(entry.message) : padded(plain(entry.message), to: 32)
        var line = "\(entry.timeText) \(isColored ? entry.level.colored(level) : level) \(message)"
        var isTruncated = false
        for (key, value) in entry.metadata.sorted(by: { $0.key < $1.key }) {
            let field = " \(isColored ? "\u{1B}[2m\(plain(key))=\u{1B}[0m" : "\(plain(key))=")\(human(value))"
            if line.utf8.count + field.utf8.count > maxLineBytes {
                isTruncated = true
            } else {
                line += field
            }
        }
        return line + (isTruncated ? " truncated=true\n" : "\n")
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func human(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): word(text)
        case .stringConvertible(let value): word(value.description)
        case .array(let values): "[" + values.map(human).joined(separator: ", ") + "]"
        case .dictionary(let fields):
            "{"
                + fields.sorted { $0.key < $1.key }.map { "\(plain($0.key)): \(human($0.value))" }.joined(
                    separator: ", ")
                + "}"
        }
    }

    /// A value, in quotation marks where it would not be seen where it ends.
    private static func word(_ text: String) -> String {
        let isPlain = !text.isEmpty && !text.utf8.contains { $0 == 0x20 || $0 == 0x22 || $0 == 0x3D }
        return isPlain ? plain(text) : quoted(text)
    }

    /// Without characters that do something to a terminal or to the line.
    private static func plain(_ text: String) -> String {
        if text.utf8.count <= maxValueBytes, text.utf8.allSatisfy(\.isPlain) { return text }
        let text = cut(text)
        guard text.unicodeScalars.contains(where: \.isControl) else { return text }
        return text.unicodeScalars.reduce(into: "") { plain, scalar in
            if scalar.isControl { plain += "\\u" + scalar.fourDigits } else { plain.unicodeScalars.append(scalar) }
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > maxValueBytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: maxValueBytes)
        // Not within a character.
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return text[..<end] + "…"
    }
}

/// One message of the log.
struct LogEntry: Sendable {
    var time: Timestamp
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata

    /// RFC 3339 in UTC, to the millisecond.
    var timeText: String {
        var text: [UInt8] = []
        text.appendRFC3339(time)
        return String(decoding: text, as: UTF8.self)
    }
}

extension UInt8 {
    /// Visible ASCII or a space, and no quotation mark.
    fileprivate var isPlain: Bool { (0x20...0x7E).contains(self) && self != UInt8(ascii: "\"") }
}

extension Unicode.Scalar {
    /// C0, DEL, C1, and the separators that some readers take for the end of a line.
    fileprivate var isControl: Bool {
        value < 0x20 || (0x7F...0x9F).contains(value) || value == 0x2028 || value == 0x2029
    }

    fileprivate var fourDigits: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension Logger.Level {
    /// What is worse is more conspicuous.
    fileprivate func colored(_ text: String) -> String {
        let color: Int? =
            switch self {
            case .trace, .debug: 2
            case .info: nil
            case .notice: 36
            case .warning: 33
            case .error, .critical: 31
            }
        return color.map { "\u{1B}[\($0)m\(text)\u{1B}[0m" } ?? text
    }
}
