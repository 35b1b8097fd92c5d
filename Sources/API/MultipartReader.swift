/// Why bytes are not a form.
struct MultipartFault: Error, Equatable {
    /// For people.
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// Reads `multipart/form-data` as it comes, however it is cut: RFC 2046, section 5.1, and RFC 7578.
///
/// It keeps no more than a head of a part, or as many bytes as a boundary has.
struct MultipartReader {
    enum Event: Equatable {
        /// A part begins, and with it the end of the one before.
        case part(MultipartPart)
        /// More of the content of the part.
        case content([UInt8])
        /// The last part has ended.
        case end
    }

    /// Bytes before the first boundary, of one head, and behind one boundary on its line, at most.
    static let maxPreamble = 1024
    static let maxHead = 8192
    static let maxPadding = 256
    /// What a form with one file may have beside it, in bytes.
    static let maxEnvelope = 16_384

    private enum State {
        case preamble
        /// Behind a boundary: the end of its line, or of everything.
        case boundary
        case head
        case content
        case epilogue
    }

    /// A line break, two hyphens and the boundary.
    private let delimiter: [UInt8]
    private var state = State.preamble
    /// What has come and is not understood yet.
    ///
    /// The first boundary has no line break before it, so it gets one.
    private var pending: [UInt8] = [13, 10]
    private var preamble = 0

    /// - Parameter boundary: as the content type has it; `nil` comes of one that is none.
    init?(boundary: String) {
        let bytes = Array(boundary.utf8)
        guard (1...70).contains(bytes.count), bytes.last != UInt8(ascii: " "), bytes.allSatisfy(Self.isInBoundary)
        else { return nil }
        delimiter = [13, 10] + Array("--".utf8) + bytes
    }

    /// Takes the next bytes.
    mutating func take(_ bytes: some Collection<UInt8>) throws(MultipartFault) -> [Event] {
        pending.append(contentsOf: bytes)
        var events: [Event] = []
        while try advance(&events) {}
        return events
    }

    /// Checks that everything has come.
    func finish() throws(MultipartFault) {
        guard state == .epilogue else { throw MultipartFault("The form ends before its last boundary.") }
    }

    /// Goes on by one state; `false` if that needs more bytes.
    private mutating func advance(_ events: inout [Event]) throws(MultipartFault) -> Bool {
        switch state {
        case .preamble: return try readPreamble()
        case .boundary: return try readBoundaryLine(&events)
        case .head: return try readHead(&events)
        case .content: return readContent(&events)
        case .epilogue:
            pending = []
            return false
        }
    }

    private mutating func readPreamble() throws(MultipartFault) -> Bool {
        let found = Self.first(delimiter, in: pending)
        let skipped = found ?? max(0, pending.count - delimiter.count + 1)
        preamble += skipped
        guard preamble <= Self.maxPreamble else { throw MultipartFault("The boundary does not come.") }
        pending.removeFirst(skipped)
        guard found != nil else { return false }
        pending.removeFirst(delimiter.count)
        state = .boundary
        return true
    }

    private mutating func readBoundaryLine(_ events: inout [Event]) throws(MultipartFault) -> Bool {
        let hyphen = UInt8(ascii: "-")
        if pending.first == hyphen {
            guard pending.count > 1 else { return false }
            guard pending[1] == hyphen else { throw MultipartFault("There is something behind a boundary.") }
            events.append(.end)
            state = .epilogue
            return true
        }
        let padding = pending.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
        guard padding <= Self.maxPadding else { throw MultipartFault("A line with a boundary is too long.") }
        let end = pending.dropFirst(padding).prefix(2)
        guard [13, 10].starts(with: end) else { throw MultipartFault("There is something behind a boundary.") }
        guard end.count == 2 else { return false }
        // The line break stays: a head without a field is then a line break twice, like the end of every other.
        pending.removeFirst(padding)
        state = .head
        return true
    }

    private mutating func readHead(_ events: inout [Event]) throws(MultipartFault) -> Bool {
        let end = Self.first([13, 10, 13, 10], in: pending)
        guard end ?? pending.count <= Self.maxHead else { throw MultipartFault("The head of a part is too long.") }
        guard let end else { return false }
        events.append(.part(try MultipartPart(pending[..<end].dropFirst(2))))
        pending.removeFirst(end + 4)
        state = .content
        return true
    }

    private mutating func readContent(_ events: inout [Event]) -> Bool {
        let found = Self.first(delimiter, in: pending)
        let count = found ?? max(0, pending.count - delimiter.count + 1)
        if count > 0 { events.append(.content(Array(pending.prefix(count)))) }
        pending.removeFirst(count)
        guard found != nil else { return false }
        pending.removeFirst(delimiter.count)
        state = .boundary
        return true
    }

    /// Where a text that begins with a line break is; `nil` if it is not there as a whole.
    private static func first(_ text: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= text.count else { return nil }
        return (0...(bytes.count - text.count)).first { start in
            bytes[start] == 13 && bytes[start..<(start + text.count)].elementsEqual(text)
        }
    }

    /// `bcharsnospace` and the space.
    private static func isInBoundary(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            punctuation.contains(byte)
        }
    }

    private static let punctuation = Set("'()+_,-./:=? ".utf8)
}
