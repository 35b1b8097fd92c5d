import Foundation
import Logging
import Tasks
import Testing

@testable import Server

@Suite("The log")
struct LogFormatTests {
    private static func entry(_ message: String = "Task accepted", _ metadata: Logger.Metadata = [:]) -> LogEntry {
        LogEntry(
            time: Timestamp(milliseconds: 1_767_225_600_123),
            level: .info,
            label: "animato",
            message: message,
            metadata: metadata
        )
    }

    private static func fields(_ entry: LogEntry) throws -> [String: Any] {
        let line = LogFormat.json.line(entry)
        #expect(line.hasSuffix("\n") && line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 })
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test("JSON has time, level, message, logger and the metadata as fields")
    func json() {
        let metadata: Logger.Metadata = ["task_id": "t", "tasks": ["a", "b"], "more": ["n": "1", "deep": ["x": "y"]]]
        #expect(
            LogFormat.json.line(Self.entry("Task accepted", metadata))
                == #"{"time":"2026-01-01T00:00:00.123Z","level":"info","message":"Task accepted","logger":"animato","#
                + #""more":{"deep":{"x":"y"},"n":"1"},"task_id":"t","tasks":["a","b"]}"# + "\n"
        )
    }

    @Test("Whatever is said, it is one line of JSON that says it again")
    func hostile() throws {
        let text = "a\n{\"level\":\"error\"}\r\t\u{0}\u{1B}[31m\u{7F}\u{85}\u{2028}\\ 猫🐈"
        let fields = try Self.fields(Self.entry(text, ["key\n\"": "\(text)"]))
        #expect(fields["message"] as? String == text && fields["key\n\""] as? String == text)
        #expect(fields["level"] as? String == "info")
    }

    @Test("Metadata cannot pass for what every line has")
    func collisions() throws {
        let fields = try Self.fields(Self.entry("m", ["time": "never", "level": "error", "message": "other"]))
        #expect(fields["level"] as? String == "info" && fields["level_"] as? String == "error")
        #expect(fields["message"] as? String == "m" && fields["time_"] as? String == "never")
    }

    @Test("A line is bounded, and says when something was left out", arguments: LogFormat.allCases)
    func bounds(_ format: LogFormat) {
        let long = String(repeating: "猫", count: 10_000)
        var metadata: Logger.Metadata = ["z": "last"]
        for number in 0..<50 { metadata["k\(number)"] = "\(long)" }
        let line = format.line(Self.entry(long, metadata))
        #expect(line.utf8.count < LogFormat.maxLineBytes + 100 && line.contains("truncated"))
        #expect(line.contains("last") && line.filter(\.isNewline).count == 1)
        let nested = (0..<100).reduce(Logger.MetadataValue.string("x")) { inner, _ in .array([inner]) }
        #expect(format.line(Self.entry("m", ["deep": nested])).utf8.count < 1000)
    }

    @Test("Lines for people are aligned, and values are seen where they end")
    func human() {
        let line = LogFormat.human.line(
            Self.entry("Task accepted", ["b": "two words", "a": "one", "empty": "", "list": ["x", "y z"]]))
        #expect(
            line == "2026-01-01T00:00:00.123Z info     Task accepted                   "
                + " a=one b=\"two words\" empty=\"\" list=[x, \"y z\"]\n"
        )
        #expect(LogFormat.human.line(Self.entry("Alone")) == "2026-01-01T00:00:00.123Z info     Alone\n")
    }

    @Test("Lines for people do nothing to a terminal")
    func terminal() {
        let line = LogFormat.human.line(
            Self.entry("a\u{1B}[2Jb\nc", ["k": "x\u{1B}]0;title\u{7}y", "l": "two\nlines"]))
        #expect(line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        #expect(line.contains("a\\u001b[2Jb\\u000ac"))
    }

    @Test("Colours are for terminals that have them")
    func colors() {
        var entry = Self.entry()
        entry.level = .error
        #expect(LogFormat.human.line(entry, isColored: true).contains("\u{1B}[31m"))
        #expect(!LogFormat.human.line(entry).contains("\u{1B}"))
        #expect(LogWriter.showsColors(["TERM": "xterm"]) && LogWriter.showsColors(["NO_COLOR": ""]))
        #expect(!LogWriter.showsColors(["NO_COLOR": "1"]) && !LogWriter.showsColors(["TERM": "dumb"]))
    }
}
