import Tasks
import Testing

struct IPAddressTests {
    @Test(
        "An address is read, and written in its canonical form",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("8.8.4.4", "8.8.4.4"), ("::", "::"),
            ("::1", "::1"), ("1::", "1::"), ("2001:DB8::0001", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4"), ("0:0:0:0:0:ffff:7f00:1", "::ffff:7f00:1"),
            ("::ffff:127.0.0.1", "::ffff:7f00:1"), ("64:ff9b::10.0.0.1", "64:ff9b::a00:1"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ]
    )
    func read(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(
        "Nothing else is an address",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", "1.2.3.+4", "0x1.2.3.4", "1.2.3.4 ",
            "1..3.4", "1.2.3.４", ":", ":::", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
            "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1%eth0", "[::1]", "::1.2.3", "1.2.3.4::",
            "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "+1::", "::-1", "1::2:", ":1::2",
        ]
    )
    func refused(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        "A network contains what begins with its bits",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "9.9.9.9", true),
            ("1.2.3.4", "1.2.3.4", true), ("1.2.3.4/32", "1.2.3.5", false), ("::/0", "ff02::1", true),
            ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false),
            ("1:2:3:4:8000::/65", "1:2:3:4:ffff::", true),
            ("1:2:3:4:8000::/65", "1:2:3:4:7fff::", false), ("::1", "::1", true), ("::1/128", "::2", false),
            ("1:2:3:4::/64", "1:2:3:4:5::", true), ("1:2:3:4::/64", "1:2:3:5::", false),
            ("0.0.0.0/0", "::1", false), ("::ffff:0:0/96", "1.2.3.4", false),
        ]
    )
    func contains(_ network: String, _ address: String, _ isInside: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(#require(IPAddress(address))) == isInside)
    }

    @Test(
        "Nothing else is a network",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.1/8", "::1/64",
            "::/129", "10.0.0.0/8/8", "10.0.0.0/8 ", "localhost",
        ]
    )
    func noNetwork(_ text: String) {
        #expect(IPNetwork(text) == nil)
    }
}
