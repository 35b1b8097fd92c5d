/// Ranges of addresses that no receiver on the public Internet has.
///
/// From the IANA registries of special-purpose addresses (`iana-ipv4-special-registry`, `iana-ipv6-special-registry`,
/// RFC 6890), of multicast (RFC 5771, RFC 4291) and of global unicast (`ipv6-unicast-address-assignments`), and from what
/// clouds document of their metadata services. More is refused than the registries call "not global": a callback that
/// means well comes to none of these.
enum SpecialNetworks {
    /// What an address is, for people; `nil` if it may be a receiver's on the public Internet.
    static func meaning(of address: IPAddress) -> String? {
        if let special = all.first(where: { $0.network.contains(address) }) { return special.meaning }
        // Only 2000::/3 is given out for global unicast; the rest is special or not assigned (RFC 4291, 2.4).
        if case .v6(let upper, _) = address, upper >> 61 != 1 { return "not a global unicast address" }
        return nil
    }

    private typealias Special = (network: IPNetwork, meaning: String)

    /// The first that contains an address tells best what it is.
    private static let all: [Special] = metadata + ipv4 + ipv6

    /// Where clouds answer machines of their own with secrets.
    private static let metadata: [Special] = [
        // AWS, Azure, Google Cloud, Oracle, DigitalOcean, OpenStack.
        v4(169, 254, 169, 254, 32, "the metadata service of a cloud"),
        // AWS: credentials of containers, time, and the resolver.
        v4(169, 254, 170, 2, 32, "the metadata service of a cloud"),
        // Alibaba Cloud.
        v4(100, 100, 100, 200, 32, "the metadata service of a cloud"),
        // Azure's virtual public address of the host, in the midst of public ones.
        v4(168, 63, 129, 16, 32, "the metadata service of a cloud"),
        // Oracle Cloud at its start.
        v4(192, 0, 0, 192, 32, "the metadata service of a cloud"),
        // AWS over IPv6; fd20:ce::254 is Google Cloud's.
        v6(0xfd00_0ec2_0000_0000, 0x254, 128, "the metadata service of a cloud"),
        v6(0xfd20_00ce_0000_0000, 0x254, 128, "the metadata service of a cloud"),
    ]

    private static let ipv4: [Special] = [
        v4(0, 0, 0, 0, 8, "unspecified (RFC 791)"),
        v4(10, 0, 0, 0, 8, "private (RFC 1918)"),
        v4(100, 64, 0, 0, 10, "shared by a carrier (RFC 6598)"),
        v4(127, 0, 0, 0, 8, "loopback (RFC 1122)"),
        v4(169, 254, 0, 0, 16, "link-local (RFC 3927)"),
        v4(172, 16, 0, 0, 12, "private (RFC 1918)"),
        v4(192, 0, 0, 0, 24, "for protocols (RFC 6890)"),
        v4(192, 0, 2, 0, 24, "for documentation (RFC 5737)"),
        v4(192, 31, 196, 0, 24, "an AS112 sink (RFC 7535)"),
        v4(192, 52, 193, 0, 24, "for multicast relays (RFC 7450)"),
        v4(192, 88, 99, 0, 24, "for 6to4 relays (RFC 7526)"),
        v4(192, 168, 0, 0, 16, "private (RFC 1918)"),
        v4(192, 175, 48, 0, 24, "an AS112 sink (RFC 7534)"),
        v4(198, 18, 0, 0, 15, "for benchmarks (RFC 2544)"),
        v4(198, 51, 100, 0, 24, "for documentation (RFC 5737)"),
        v4(203, 0, 113, 0, 24, "for documentation (RFC 5737)"),
        v4(224, 0, 0, 0, 4, "multicast (RFC 5771)"),
        v4(255, 255, 255, 255, 32, "broadcast (RFC 919)"),
        v4(240, 0, 0, 0, 4, "reserved (RFC 1112)"),
    ]

    /// Those that hold an IPv4 address are refused whatever that is: it is reached by its own form, and checked there.
    private static let ipv6: [Special] = [
        v6(0, 0, 128, "unspecified (RFC 4291)"),
        v6(0, 1, 128, "loopback (RFC 4291)"),
        v6(0, 0x0000_ffff_0000_0000, 96, "an IPv4 address as IPv6 (RFC 4291)"),
        v6(0, 0, 96, "an IPv4 address as IPv6 (RFC 4291)"),
        v6(0, 0xffff_0000_0000_0000, 96, "an IPv4 address translated (RFC 2765)"),
        v6(0x0064_ff9b_0000_0000, 0, 96, "an IPv4 address behind NAT64 (RFC 6052)"),
        v6(0x0064_ff9b_0001_0000, 0, 48, "an IPv4 address behind NAT64 (RFC 8215)"),
        v6(0x0100_0000_0000_0000, 0, 64, "for discarding (RFC 6666)"),
        v6(0x2001_0000_0000_0000, 0, 32, "an IPv4 address behind Teredo (RFC 4380)"),
        v6(0x2001_0002_0000_0000, 0, 48, "for benchmarks (RFC 5180)"),
        v6(0x2001_0010_0000_0000, 0, 28, "a hash, not a place: ORCHID (RFC 4843)"),
        v6(0x2001_0020_0000_0000, 0, 28, "a hash, not a place: ORCHIDv2 (RFC 7343)"),
        v6(0x2001_0000_0000_0000, 0, 23, "for protocols (RFC 2928)"),
        v6(0x2001_0db8_0000_0000, 0, 32, "for documentation (RFC 3849)"),
        v6(0x2002_0000_0000_0000, 0, 16, "an IPv4 address behind 6to4 (RFC 3056)"),
        v6(0x2620_004f_8000_0000, 0, 48, "an AS112 sink (RFC 7534)"),
        v6(0x3fff_0000_0000_0000, 0, 20, "for documentation (RFC 9637)"),
        v6(0x5f00_0000_0000_0000, 0, 16, "for segment routing (RFC 9602)"),
        v6(0xfc00_0000_0000_0000, 0, 7, "private: unique local (RFC 4193)"),
        v6(0xfe80_0000_0000_0000, 0, 10, "link-local (RFC 4291)"),
        v6(0xfec0_0000_0000_0000, 0, 10, "private: site-local (RFC 3879)"),
        v6(0xff00_0000_0000_0000, 0, 8, "multicast (RFC 4291)"),
    ]

    private static func v4(
        _ first: UInt32,
        _ second: UInt32,
        _ third: UInt32,
        _ fourth: UInt32,
        _ prefix: Int,
        _ meaning: String
    ) -> Special {
        (IPNetwork(.v4(first << 24 | second << 16 | third << 8 | fourth), prefix: prefix), meaning)
    }

    private static func v6(_ upper: UInt64, _ lower: UInt64, _ prefix: Int, _ meaning: String) -> Special {
        (IPNetwork(.v6(upper, lower), prefix: prefix), meaning)
    }
}
