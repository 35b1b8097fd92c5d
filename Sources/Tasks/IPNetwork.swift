/// A range of addresses that begin with the same bits.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    package let address: IPAddress
    package let prefix: Int

    /// - Parameters:
    ///   - address: any address of the network; its further bits do not count.
    ///   - prefix: how many bits are the same; brought into the range of the address's kind.
    init(_ address: IPAddress, prefix: Int) {
        switch address {
        case .v4(let bits):
            self.prefix = min(max(prefix, 0), 32)
            self.address = .v4(bits & Self.mask32(self.prefix))
        case .v6(let upper, let lower):
            self.prefix = min(max(prefix, 0), 128)
            self.address = .v6(upper & Self.mask64(self.prefix), lower & Self.mask64(self.prefix - 64))
        }
    }

    /// Reads `10.20.0.0/16`, `fd00::/8`, or a single address.
    ///
    /// `nil` for anything else, and for a network whose address has bits beyond its prefix: one of the two is a mistake.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        let longest = if case .v4 = address { 32 } else { 128 }
        guard parts.count == 2 else {
            self.init(address, prefix: longest)
            return
        }
        guard let prefix = Int(parts[1]), 0...longest ~= prefix, String(prefix) == parts[1] else { return nil }
        self.init(address, prefix: prefix)
        guard self.address == address else { return nil }
    }

    /// Whether an address is in this range; never for one of the other kind.
    package func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let network), .v4(let bits)): bits & Self.mask32(prefix) == network
        case (.v6(let upper, let lower), .v6(let otherUpper, let otherLower)):
            otherUpper & Self.mask64(prefix) == upper && otherLower & Self.mask64(prefix - 64) == lower
        case (.v4, .v6), (.v6, .v4): false
        }
    }

    package var description: String { "\(address)/\(prefix)" }

    // A shift by the whole width or more gives 0, one by a negative number goes the other way: hence the bounds.
    private static func mask32(_ prefix: Int) -> UInt32 { prefix <= 0 ? 0 : ~0 << (32 - min(prefix, 32)) }
    private static func mask64(_ prefix: Int) -> UInt64 { prefix <= 0 ? 0 : ~0 << (64 - min(prefix, 64)) }
}
