/// Reads one JSON value by RFC 8259, strictly: valid UTF-8, and nothing after the end.
package struct JSONParser {
    /// Why bytes are not JSON.
    package struct Fault: Error, Equatable {
        /// Offset of the byte where reading stopped.
        package var position: Int
        /// For people.
        package var reason: String
    }

    /// Arrays and objects inside each other, at most.
    static let maxDepth = 32

    private let bytes: [UInt8]
    private var index = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads a whole text.
    ///
    /// - Parameter bytes: the text.
    /// - Returns: its value.
    /// - Throws: where and why it is none.
    package static func parse(_ bytes: [UInt8]) throws(Fault) -> JSON {
        var parser = JSONParser(bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.fault("there is something after the end") }
        return value
    }

    private mutating func value(depth: Int) throws(Fault) -> JSON {
        skipSpace()
        guard let first = peek() else { throw fault("a value is expected") }
        switch first {
        case UInt8(ascii: "{"): return .object(try members(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try elements(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw fault("a value is expected")
        }
    }

    private mutating func members(depth: Int) throws(Fault) -> [JSON.Member] {
        try enter(depth)
        if take("}") { return [] }
        var members: [JSON.Member] = []
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { throw fault("a name is expected") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw fault("a colon is expected") }
            members.append(JSON.Member(name, try value(depth: depth)))
            skipSpace()
            if take("}") { return members }
            guard take(",") else { throw fault("a comma or a brace is expected") }
        }
    }

    private mutating func elements(depth: Int) throws(Fault) -> [JSON] {
        try enter(depth)
        if take("]") { return [] }
        var elements: [JSON] = []
        while true {
            elements.append(try value(depth: depth))
            skipSpace()
            if take("]") { return elements }
            guard take(",") else { throw fault("a comma or a bracket is expected") }
        }
    }

    private mutating func enter(_ depth: Int) throws(Fault) {
        guard depth <= Self.maxDepth else { throw fault("it is nested too deeply") }
        index += 1
        skipSpace()
    }

    private mutating func word(_ text: String, _ value: JSON) throws(Fault) -> JSON {
        guard bytes[index...].starts(with: text.utf8) else { throw fault("a value is expected") }
        index += text.utf8.count
        return value
    }

    private mutating func number() throws(Fault) -> String {
        let start = index
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func digits() throws(Fault) {
        let start = index
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        guard index > start else { throw fault("a digit is expected") }
    }

    private mutating func string() throws(Fault) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = peek() {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw fault("it is not UTF-8") }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(Character(try escape())).utf8)
            case 0..<0x20:
                throw fault("a control character is not escaped")
            default:
                text.append(byte)
            }
        }
        throw fault("a text does not end")
    }

    private mutating func escape() throws(Fault) -> Unicode.Scalar {
        guard let kind = peek() else { throw fault("a text does not end") }
        index += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw fault("there is no such escape")
        }
    }

    private mutating func escapedScalar() throws(Fault) -> Unicode.Scalar {
        let first = try hexUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else { throw fault("a surrogate stands alone") }
        let second = try hexUnit()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("a surrogate stands alone") }
        return scalar
    }

    private mutating func hexUnit() throws(Fault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw fault("four hexadecimal digits are expected")
            }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }

    private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private func fault(_ reason: String) -> Fault { Fault(position: index, reason: reason) }
}
