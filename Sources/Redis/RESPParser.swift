import NIOCore

/// What a reply may be at most; what is larger ends the connection.
package struct RESPLimits: Sendable, Equatable {
    /// Of a reply as it is sent.
    package var bytes: Int
    /// Arrays in arrays.
    package var depth: Int
    /// Elements of a reply, those of arrays in it included.
    package var elements: Int

    package init(bytes: Int = 128 << 20, depth: Int = 32, elements: Int = 2 << 20) {
        self.bytes = bytes
        self.depth = depth
        self.elements = elements
    }
}

/// Why what the server says is no reply.
enum RESPFault: Error, Equatable, CustomStringConvertible {
    case malformed(String)
    case tooLarge

    var description: String {
        switch self {
        case .malformed(let what): "what the server says is not Redis' protocol: \(what)"
        case .tooLarge: "the server's reply is larger than may be"
        }
    }
}

/// Reads replies from the pieces in which they come.
///
/// After a fault nothing more is read: where the next reply begins is not known.
struct RESPParser {
    /// The longest line: a simple string, an error or a number.
    static let lineLimit = 64 << 10

    private let limits: RESPLimits
    private var input = ByteBuffer()
    /// Bytes of the input in which no end of a line was found.
    private var searched = 0
    /// The length of the bulk string that is coming.
    private var bulk: Int?
    /// Arrays that are not complete, the outermost first.
    private var open: [(missing: Int, elements: [RESPValue])] = []
    /// Of the reply that is coming: bytes and elements.
    private var bytes = 0
    private var elements = 0
    private var fault: RESPFault?

    init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Takes the next piece.
    mutating func append(_ piece: inout ByteBuffer) {
        if input.readableBytes == 0 {
            input = piece
            piece.moveReaderIndex(to: piece.writerIndex)
        } else {
            if input.readerIndex > 1 << 20 { input.discardReadBytes() }
            input.writeBuffer(&piece)
        }
    }

    /// The next reply, or `nil` if it has not come as a whole.
    ///
    /// - Throws: the fault, and the same again on every further call.
    mutating func next() throws(RESPFault) -> RESPValue? {
        if let fault { throw fault }
        do throws(RESPFault) {
            while let value = try part() {
                if let whole = place(value) { return whole }
            }
            return nil
        } catch {
            fault = error
            throw error
        }
    }

    /// Puts a value where it belongs.
    ///
    /// - Returns: the reply, if that is complete now.
    private mutating func place(_ value: RESPValue) -> RESPValue? {
        var value = value
        while let last = open.indices.last {
            open[last].elements.append(value)
            open[last].missing -= 1
            guard open[last].missing == 0 else { return nil }
            value = .array(open.removeLast().elements)
        }
        bytes = 0
        elements = 0
        return value
    }

    /// The next value that is not an array with elements; such an array is opened.
    private mutating func part() throws(RESPFault) -> RESPValue? {
        while true {
            if let length = bulk { return try rest(of: length) }
            guard let line = try line() else { return nil }
            guard let kind = line.first else { throw .malformed("an empty line") }
            let text = line.dropFirst()
            elements += 1
            guard elements <= limits.elements else { throw .tooLarge }
            switch kind {
            case UInt8(ascii: "+"): return .simple(String(decoding: text, as: UTF8.self))
            case UInt8(ascii: "-"): return .error(String(decoding: text, as: UTF8.self))
            case UInt8(ascii: ":"): return .integer(try Self.number(text))
            case UInt8(ascii: "$"):
                guard let length = try Self.length(text) else { return .null }
                guard length <= limits.bytes - bytes else { throw .tooLarge }
                bulk = length
            case UInt8(ascii: "*"):
                guard let count = try Self.length(text) else { return .null }
                if count == 0 { return .array([]) }
                guard open.count < limits.depth, count <= limits.elements - elements else { throw .tooLarge }
                open.append((count, []))
                // What is announced may never come: no more is set aside than a small reply needs.
                open[open.count - 1].elements.reserveCapacity(min(count, 64))
            default: throw .malformed("a reply that begins with byte \(kind)")
            }
        }
    }

    /// A bulk string whose length has been read.
    private mutating func rest(of length: Int) throws(RESPFault) -> RESPValue? {
        guard input.readableBytes >= length + 2 else { return nil }
        guard let content = input.readBytes(length: length), let end = input.readBytes(length: 2),
            end == [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
        else { throw .malformed("a string that is longer than it says") }
        bulk = nil
        try count(length + 2)
        return .bulk(content)
    }

    /// The next line, without its end.
    private mutating func line() throws(RESPFault) -> [UInt8]? {
        let view = input.readableBytesView
        guard let end = view.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) else {
            searched = view.count
            guard searched <= Self.lineLimit else { throw .tooLarge }
            return nil
        }
        searched = 0
        let length = end - view.startIndex
        guard length <= Self.lineLimit else { throw .tooLarge }
        guard length > 0, view[end - 1] == UInt8(ascii: "\r") else { throw .malformed("a line without an end") }
        let line = Array(view[..<(end - 1)])
        input.moveReaderIndex(forwardBy: length + 1)
        try count(length + 1)
        return line
    }

    private mutating func count(_ read: Int) throws(RESPFault) {
        bytes += read
        guard bytes <= limits.bytes else { throw .tooLarge }
    }

    private static func number(_ text: ArraySlice<UInt8>) throws(RESPFault) -> Int64 {
        guard text.count <= 20, let number = Int64(String(decoding: text, as: UTF8.self)) else {
            throw .malformed("an integer that is none")
        }
        return number
    }

    /// A length; -1 is none at all.
    private static func length(_ text: ArraySlice<UInt8>) throws(RESPFault) -> Int? {
        let number = try number(text)
        guard number >= -1 else { throw .malformed("a length below zero") }
        guard number <= Int64(Int32.max) else { throw .tooLarge }
        return number == -1 ? nil : Int(number)
    }
}
