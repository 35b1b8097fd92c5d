import Foundation
import Tasks

/// A stored value that no version of this program has written, or that only a newer one can read.
struct DamagedRecord: Error {
    var reason: String

    static let short = DamagedRecord(reason: "it ends too early")
}

/// Reads what a `RecordWriter` has written; whatever the bytes are, it only throws.
///
/// What a newer version has added at the end is passed over.
struct RecordReader {
    private var rest: ArraySlice<UInt8>
    let requests: RequestCache

    init(_ bytes: some Collection<UInt8>, requests: RequestCache) {
        rest = ArraySlice(bytes)
        self.requests = requests
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func raw(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, rest.count >= count else { throw DamagedRecord.short }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func int64() throws -> Int64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while true {
            guard let byte = rest.popFirst(), shift < 64 else { throw DamagedRecord.short }
            value |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else { break }
            shift += 7
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func int() throws -> Int { Int(try int64()) }

    mutating func bool() throws -> Bool { try raw(1).first != 0 }

    mutating func double() throws -> Double {
        Double(bitPattern: try raw(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    mutating func data() throws -> Bytes { Bytes(try raw(try int())) }

    mutating func string() throws -> String { String(decoding: try raw(try int()), as: UTF8.self) }

    mutating func timestamp() throws -> Timestamp { Timestamp(milliseconds: try int64()) }

    mutating func generation() throws -> GenerationID { GenerationID(rawValue: try int64()) }

    mutating func task() throws -> TaskID {
        guard let id = TaskID(bytes: Data(try raw(16))) else { throw DamagedRecord.short }
        return id
    }

    mutating func optional<Value>(_ read: (inout RecordReader) throws -> Value) throws -> Value? {
        try bool() ? try read(&self) : nil
    }

    mutating func optionalString() throws -> String? { try optional { try $0.string() } }

    mutating func optionalInt() throws -> Int? { try optional { try $0.int() } }

    mutating func optionalTimestamp() throws -> Timestamp? { try optional { try $0.timestamp() } }

    mutating func array<Element>(_ read: (inout RecordReader) throws -> Element) throws -> [Element] {
        let count = try int()
        // Every element has at least one byte.
        guard count >= 0, count <= rest.count else { throw DamagedRecord.short }
        var values: [Element] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    /// A value that is kept under its name.
    mutating func named<Value: RawRepresentable>(_ type: Value.Type) throws -> Value where Value.RawValue == String {
        let name = try string()
        guard let value = Value(rawValue: name) else { throw DamagedRecord(reason: "\(type) has no \(name)") }
        return value
    }
}
