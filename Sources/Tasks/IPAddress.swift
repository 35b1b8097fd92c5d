/// An IPv4 or IPv6 address; only its own bits, no port and no zone.
package enum IPAddress: Hashable, Sendable, CustomStringConvertible {
    case v4(UInt32)
    /// The upper and the lower 64 bits.
    case v6(UInt64, UInt64)

    /// Reads the one form of IPv4 (four decimal numbers without leading zeros) or a text form of RFC 4291 of IPv6.
    ///
    /// `nil` for anything else: no other base, no shortened IPv4, no brackets, no zone.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        // The longest form has 45 characters.
        guard bytes.count <= 45 else { return nil }
        if bytes.contains(UInt8(ascii: ":")) {
            guard let groups = Self.groups(of: bytes) else { return nil }
            self.init(groups: groups)
        } else {
            guard let address = Self.dotted(bytes[...]) else { return nil }
            self = .v4(address)
        }
    }

    /// Joins eight groups of sixteen bits.
    private init(groups: [UInt16]) {
        let halves = [groups[..<4], groups[4...]].map { $0.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        self = .v6(halves[0], halves[1])
    }

    /// Reads the sixteen bytes of an IPv6 address; `nil` for any other number.
    package init?(v6 bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        let halves = [bytes.prefix(8), bytes.suffix(8)].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self = .v6(halves[0], halves[1])
    }

    /// Dotted decimal, or the canonical form of RFC 5952.
    package var description: String {
        switch self {
        case .v4(let bits):
            [24, 16, 8, 0].map { String(bits >> UInt32($0) & 0xff) }.joined(separator: ".")
        case .v6(let upper, let lower):
            Self.canonical(
                [upper, lower].flatMap { half in
                    [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: half >> UInt64($0)) }
                })
        }
    }

    // MARK: Reading

    private static func dotted(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard 1...3 ~= part.count, part.allSatisfy(isDigit), part.count == 1 || part.first != UInt8(ascii: "0")
            else { return nil }
            let value = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - UInt8(ascii: "0")) }
            guard value <= 255 else { return nil }
            address = address << 8 | value
        }
        return address
    }

    /// The eight groups of an IPv6 text.
    private static func groups(of bytes: [UInt8]) -> [UInt16]? {
        guard let gap = gap(in: bytes) else { return groups(of: bytes[...], mayEndDotted: true, exactly: 8) }
        guard let head = groups(of: bytes[..<gap], mayEndDotted: false),
            let tail = groups(of: bytes[(gap + 2)...], mayEndDotted: true),
            head.count + tail.count <= 7
        else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// Where the first `::` is; a second one leaves an empty group, which is refused.
    private static func gap(in bytes: [UInt8]) -> Int? {
        bytes.indices.dropLast().first { bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == UInt8(ascii: ":") }
    }

    private static func groups(of bytes: ArraySlice<UInt8>, mayEndDotted: Bool, exactly count: Int? = nil) -> [UInt16]?
    {
        var groups: [UInt16] = []
        let parts = bytes.isEmpty ? [] : bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        for (index, part) in parts.enumerated() {
            if mayEndDotted, index == parts.count - 1, let address = dotted(part) {
                groups += [UInt16(address >> 16), UInt16(address & 0xffff)]
                continue
            }
            guard 1...4 ~= part.count, let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16),
                part.allSatisfy(isHexadecimal)
            else { return nil }
            groups.append(group)
        }
        if let count, groups.count != count { return nil }
        return groups
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
    }

    // MARK: Writing

    private static func canonical(_ groups: [UInt16]) -> String {
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let zeros = longestZeros(groups) else { return text(groups[...]) }
        return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
    }

    /// The first of the longest runs of at least two zero groups.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for end in 1...groups.count where end == groups.count || groups[end] != 0 || groups[end - 1] != 0 {
            if groups[start] == 0, end - start >= 2, end - start > longest?.count ?? 0 { longest = start..<end }
            start = end
        }
        return longest
    }
}
