/// What a `Range` header asks for, of something that has a length.
///
/// RFC 9110, section 14.
enum ByteRange: Equatable {
    /// All of it: there is no range, or one that may be ignored.
    case whole
    case part(Range<Int64>)
    case unsatisfiable

    /// Reads a header.
    ///
    /// What is malformed, of another unit, or asks for several parts is ignored, as the RFC allows.
    init(_ header: String?, length: Int64) {
        guard let header, let specifier = Self.specifier(header) else {
            self = .whole
            return
        }
        switch specifier {
        case .suffix(let count):
            self = count == 0 || length == 0 ? .unsatisfiable : .part(max(0, length - count)..<length)
        case .from(let first, let last):
            if first >= length {
                self = .unsatisfiable
            } else {
                self = .part(first..<min(last, length - 1) + 1)
            }
        }
    }

    private enum Specifier {
        case suffix(Int64)
        case from(Int64, to: Int64)
    }

    private static func specifier(_ header: String) -> Specifier? {
        let halves = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, halves[0].lowercased() == "bytes" else { return nil }
        let ends = halves[1].trimmingSpace.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            return number(ends[1]).map { .suffix($0) }
        }
        guard let first = number(ends[0]) else { return nil }
        if ends[1].isEmpty { return .from(first, to: .max - 1) }
        guard let last = number(ends[1]), first <= last else { return nil }
        return .from(first, to: last)
    }

    /// Digits only; numbers beyond any length stand for the largest.
    private static func number(_ digits: Substring) -> Int64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return min(Int64(digits) ?? .max, .max - 1)
    }
}

extension StringProtocol {
    /// Without the spaces and tabs around it, which HTTP allows in many places.
    var trimmingSpace: SubSequence {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return start }
        return start[...last]
    }
}
