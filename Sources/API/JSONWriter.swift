import NIOCore
import Tasks

/// Writes JSON into a buffer.
///
/// Callers write keys in sorted order, so that equal values have equal bodies.
struct JSONWriter {
    private var bytes: [UInt8] = []
    private var needsComma = false

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// What was written so far.
    var buffer: ByteBuffer { ByteBuffer(bytes: bytes) }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        open("{")
        members(&self)
        close("}")
    }

    mutating func array(_ elements: (inout JSONWriter) -> Void) {
        open("[")
        elements(&self)
        close("]")
    }

    /// Writes the name of the next member, which must need no escaping.
    mutating func key(_ name: StaticString) {
        separate()
        appendQuote()
        append(name)
        appendQuote()
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func null() {
        literal("null")
    }

    mutating func bool(_ value: Bool) {
        literal(value ? "true" : "false")
    }

    mutating func number(_ value: some FixedWidthInteger) {
        separate()
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = UInt64(value.magnitude)
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Writes a finite number; `null` for any other, which JSON cannot say.
    mutating func number(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        append(value.description)
    }

    mutating func string(_ value: String) {
        separate()
        appendQuote()
        escape(value)
        appendQuote()
    }

    mutating func moment(_ moment: Timestamp) {
        separate()
        appendQuote()
        bytes.appendRFC3339(moment)
        appendQuote()
    }

    /// Writes a whole value that was encoded before.
    mutating func encoded(_ value: ByteBuffer) {
        separate()
        bytes.append(contentsOf: value.readableBytesView)
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        append(text)
    }

    private mutating func appendQuote() {
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    private mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func escape(_ value: String) {
        var value = value
        value.withUTF8 { text in
            var written = text.startIndex
            for index in text.indices where Self.needsEscape(text[index]) {
                bytes.append(contentsOf: text[written..<index])
                appendEscape(text[index])
                written = index + 1
            }
            bytes.append(contentsOf: text[written...])
        }
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case UInt8(ascii: "\n"): append("\\n")
        case UInt8(ascii: "\r"): append("\\r")
        case UInt8(ascii: "\t"): append("\\t")
        default:
            append("\\u00")
            bytes.append(Self.hexDigit(byte >> 4))
            bytes.append(Self.hexDigit(byte & 0xF))
        }
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
