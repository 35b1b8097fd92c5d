import Foundation
import Tasks

typealias Bytes = [UInt8]

/// Writes values one after the other: the form of all records.
///
/// Whole numbers take as many bytes as they need, seven bits in each.
struct RecordWriter {
    private(set) var bytes: Bytes = []

    mutating func put(_ value: Int64) {
        // Zigzag: what is near zero is short, whatever its sign.
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes bytes as they are.
    mutating func append(_ raw: Bytes) { bytes += raw }

    mutating func put(_ value: Int) { put(Int64(value)) }

    mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func put(_ value: Double) { bytes += value.bitPattern.bytes }

    mutating func put(_ value: Bytes) {
        put(value.count)
        bytes += value
    }

    mutating func put(_ value: String) { put(Bytes(value.utf8)) }

    mutating func put(_ value: Timestamp) { put(value.milliseconds) }

    mutating func put(_ value: GenerationID) { put(value.rawValue) }

    mutating func put(_ value: TaskID) { bytes += value.bytes }

    mutating func put<Value>(_ value: Value?, _ write: (inout RecordWriter, Value) -> Void) {
        put(value != nil)
        if let value { write(&self, value) }
    }

    mutating func put(_ value: String?) { put(value) { $0.put($1) } }

    mutating func put(_ value: Int?) { put(value) { $0.put($1) } }

    mutating func put(_ value: Int64?) { put(value) { $0.put($1) } }

    mutating func put(_ value: Timestamp?) { put(value) { $0.put($1) } }

    mutating func put<Element>(_ values: [Element], _ write: (inout RecordWriter, Element) -> Void) {
        put(values.count)
        for value in values { write(&self, value) }
    }
}

extension FixedWidthInteger {
    /// The most significant first, so that the order of the bytes is that of numbers that are not negative.
    var bytes: Bytes { withUnsafeBytes(of: bigEndian) { Bytes($0) } }
}

extension GenerationID {
    /// Eight bytes, in the order of the numbers.
    var bytes: Bytes { rawValue.bytes }

    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 8 else { return nil }
        self.init(rawValue: bytes.reduce(0) { $0 << 8 | Int64($1) })
    }
}
