/// A block of addresses: all that begin with the same bits.
package struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    package let base: IPAddress
    /// How many bits are the same in all addresses of the block.
    package let prefixLength: Int

    /// Reads `10.0.0.0/8`, or a single address.
    ///
    /// `nil` also if bits are set behind the prefix: then something else was meant.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let base = IPAddress(parts[0]) else { return nil }
        let bits = base.bytes.count * 8
        guard let length = parts.count == 2 ? Int(parts[1]) : bits, (0...bits).contains(length) else { return nil }
        for bit in length..<bits where base.bytes[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1 { return nil }
        self.base = base
        prefixLength = length
    }

    package func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == base.bytes.count else { return false }
        let whole = prefixLength / 8
        guard address.bytes[..<whole] == base.bytes[..<whole] else { return false }
        let rest = prefixLength % 8
        return rest == 0 || (address.bytes[whole] ^ base.bytes[whole]) >> UInt8(8 - rest) == 0
    }

    package var description: String { "\(base)/\(prefixLength)" }
}
