/// Why bytes are not JSON.
struct MalformedJSON: Error, Equatable {
    /// Offset of the byte where reading stopped.
    var position: Int
    /// For people.
    var reason: String
}

/// A value of a member of a JSON object.
///
/// Of objects and arrays no more than the first members and elements are kept.
enum JSONValue: Equatable, Sendable {
    case string(String)
    /// Written without fraction and exponent, and small enough.
    case integer(Int)
    /// Any other number; infinite if it is too large for a `Double`.
    case number(Double)
    case bool(Bool)
    case null
    /// At most `JSONReader.maxElements` of them.
    case array([JSONValue])
    /// At most `JSONReader.maxElements` of them, in their order; a name may be there twice.
    case object([JSONMember])
}

/// A member of a JSON object inside another value.
struct JSONMember: Equatable, Sendable {
    let name: String
    let value: JSONValue
}

/// Reads one JSON object by RFC 8259, strictly: valid UTF-8, no byte order mark, nothing after the end.
struct JSONReader {
    /// Arrays and objects inside each other, at most.
    static let maxDepth = 32
    /// Elements of an array and members of an inner object that are kept; more than any field takes.
    static let maxElements = 64

    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads the whole text as one object.
    ///
    /// - Parameter member: called for each member in the order of the text, twice for a name that is there twice.
    /// - Throws: where and why it is not a JSON object.
    mutating func readObject(_ member: (String, JSONValue) -> Void) throws(MalformedJSON) {
        skipSpace()
        guard index < bytes.count else { throw fail("The body is empty") }
        guard bytes[index] == UInt8(ascii: "{") else { throw fail("The body must be a JSON object") }
        try members(depth: 1, member)
        skipSpace()
        guard index == bytes.count else { throw fail("There is something after the end of the object") }
    }

    /// Reads the whole text as one value of any kind.
    ///
    /// - Returns: the value.
    /// - Throws: where and why it is none.
    mutating func readValue() throws(MalformedJSON) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard index == bytes.count else { throw fail("There is something after the end of the value") }
        return value
    }

    private mutating func members(depth: Int, _ member: (String, JSONValue) -> Void) throws(MalformedJSON) {
        index += 1
        skipSpace()
        if take("}") { return }
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { throw fail("A member name in double quotes is expected") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw fail("A colon is expected") }
            member(name, try value(depth: depth))
            skipSpace()
            if take("}") { return }
            guard take(",") else { throw fail("A comma or the end of the object is expected") }
        }
    }

    private mutating func elements(depth: Int) throws(MalformedJSON) -> [JSONValue] {
        index += 1
        skipSpace()
        if take("]") { return [] }
        var elements: [JSONValue] = []
        while true {
            let element = try value(depth: depth)
            if elements.count < Self.maxElements { elements.append(element) }
            skipSpace()
            if take("]") { return elements }
            guard take(",") else { throw fail("A comma or the end of the array is expected") }
        }
    }

    private mutating func value(depth: Int) throws(MalformedJSON) -> JSONValue {
        skipSpace()
        guard let first = peek() else { throw fail("A value is expected") }
        switch first {
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "{"):
            guard depth < Self.maxDepth else { throw fail("Objects and arrays are nested too deeply") }
            var kept: [JSONMember] = []
            try members(depth: depth + 1) { name, value in
                if kept.count < Self.maxElements { kept.append(JSONMember(name: name, value: value)) }
            }
            return .object(kept)
        case UInt8(ascii: "["):
            guard depth < Self.maxDepth else { throw fail("Objects and arrays are nested too deeply") }
            return .array(try elements(depth: depth + 1))
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try number()
        default:
            throw fail("A value is expected")
        }
    }

    private mutating func word(_ text: StaticString) throws(MalformedJSON) {
        for expected in text.description.utf8 {
            guard peek() == expected else { throw fail("A value is expected") }
            index += 1
        }
    }

    private mutating func number() throws(MalformedJSON) -> JSONValue {
        let start = index
        var isWhole = true
        _ = take("-")
        if take("0") {
            if let next = peek(), Self.isDigit(next) { throw fail("A number must not start with 0") }
        } else {
            try digits()
        }
        if take(".") {
            isWhole = false
            try digits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text) else { throw fail("A number is expected") }
        return .number(number)
    }

    private mutating func digits() throws(MalformedJSON) {
        guard let first = peek(), Self.isDigit(first) else { throw fail("A digit is expected") }
        while let next = peek(), Self.isDigit(next) { index += 1 }
    }

    private mutating func string() throws(MalformedJSON) -> String {
        index += 1
        let start = index
        while let byte = peek() {
            if byte == UInt8(ascii: "\"") {
                guard let text = Self.text(bytes.span.extracting(start..<index)) else { throw notUTF8(from: start) }
                index += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw fail("A control character must be escaped") }
            index += 1
        }
        throw fail("The text does not end")
    }

    private mutating func escapedString(from start: Int) throws(MalformedJSON) -> String {
        var text = Array(bytes[start..<index])
        while let byte = peek() {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = Self.text(text.span) else { throw notUTF8(from: start) }
                return text
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20:
                index -= 1
                throw fail("A control character must be escaped")
            default:
                text.append(byte)
            }
        }
        throw fail("The text does not end")
    }

    private mutating func escape() throws(MalformedJSON) -> Unicode.Scalar {
        guard let kind = peek() else { throw fail("The text does not end") }
        index += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default:
            index -= 1
            throw fail("There is no such escape")
        }
    }

    private mutating func escapedScalar() throws(MalformedJSON) -> Unicode.Scalar {
        let first = try hexUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else {
            throw fail("A surrogate stands alone")
        }
        let second = try hexUnit()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fail("A surrogate stands alone") }
        return scalar
    }

    private mutating func hexUnit() throws(MalformedJSON) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw fail("Four hexadecimal digits are expected")
            }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }

    private func peek() -> UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private func fail(_ reason: String) -> MalformedJSON {
        MalformedJSON(position: index, reason: reason)
    }

    private func notUTF8(from start: Int) -> MalformedJSON {
        MalformedJSON(position: start, reason: "The text is not valid UTF-8")
    }

    private static func text(_ bytes: Span<UInt8>) -> String? {
        guard let text = try? UTF8Span(validating: bytes) else { return nil }
        return String(copying: text)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
