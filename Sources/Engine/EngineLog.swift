/// What an engine writes to standard error, cut into lines that can be logged: bounded in length, rate and memory.
struct EngineLog: Sendable {
    typealias Instant = SuspendingClock.Instant

    /// Longer lines are cut: what a person reads of one is at its beginning.
    static let maximumLineBytes = 2000
    /// How many lines are kept to explain an end.
    static let keptLines = 20
    /// How much of each is kept: a fault is read in a browser and in one line of a log.
    static let keptLineCharacters = 300
    /// How many lines may be logged in one second.
    ///
    /// A library that warns in a loop must not fill the server's log.
    static let linesPerSecond = 100

    /// The newest lines, whether or not they were logged.
    private(set) var lastLines: [String] = []
    private var line: [UInt8] = []
    private var windowStart: Instant?
    private var linesInWindow = 0

    /// Takes what was read and gives the lines that are to be logged.
    mutating func take(_ bytes: some Sequence<UInt8>, at now: Instant) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            // Progress bars use the carriage return alone.
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                lines += endLine(at: now)
            } else if line.count < Self.maximumLineBytes {
                line.append(byte)
            }
        }
        return lines
    }

    /// Gives the last line, if it has no end.
    mutating func finish(at now: Instant) -> [String] {
        endLine(at: now)
    }

    /// Takes apart a line that begins with the trace that it is about.
    static func parts(of line: String) -> (traceID: String?, text: Substring) {
        let prefix = "trace_id="
        let rest = line.dropFirst(prefix.count)
        let id = rest.prefix(32)
        guard line.hasPrefix(prefix), id.utf8.count == 32, id.allSatisfy({ $0.isHexDigit }),
            rest.dropFirst(32).first == " "
        else { return (nil, line[...]) }
        return (String(id), rest.dropFirst(33))
    }

    private mutating func endLine(at now: Instant) -> [String] {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return [] }
        let text = String(decoding: line, as: UTF8.self)
        lastLines = lastLines.suffix(Self.keptLines - 1) + [String(text.prefix(Self.keptLineCharacters))]
        return admit(at: now) ? [text] : []
    }

    private mutating func admit(at now: Instant) -> Bool {
        if let windowStart, now - windowStart < .seconds(1) {
            linesInWindow += 1
        } else {
            windowStart = now
            linesInWindow = 1
        }
        return linesInWindow <= Self.linesPerSecond
    }
}
