import Tasks
import Testing

@testable import Webhooks

struct ForbiddenAddressTests {
    /// Addresses that must not be called, in every spelling that has fooled a server.
    static let written: [String] = [
        // Loopback, as it is and in disguise: decimal, octal, hexadecimal, shortened, mixed.
        "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://017700000001/",
        "https://0177.0.0.1/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0x7f.1/", "https://0X7F.1/",
        "https://127.0.0.1.:443/", "https://127.000.000.001/", "https://00127.0.0.1/", "https://127.8.8.8/",
        "https://localhost/", "https://LOCALHOST/", "https://a.localhost/", "https://localhost./",
        // Private, link-local, shared, special.
        "https://10.0.0.1/", "https://10.255.255.255/", "https://172.16.0.1/", "https://172.31.255.255/",
        "https://192.168.0.1/", "https://167772161/", "https://0xa000001/", "https://100.64.0.1/", "https://0.0.0.0/",
        "https://0/", "https://0.1.2.3/", "https://192.0.0.8/", "https://192.0.2.1/", "https://198.51.100.7/",
        "https://203.0.113.9/", "https://198.18.0.1/", "https://198.19.255.255/", "https://224.0.0.1/",
        "https://239.255.255.255/", "https://240.0.0.1/", "https://255.255.255.255/", "https://192.88.99.1/",
        // Metadata services.
        "https://169.254.169.254/latest/meta-data/", "https://2852039166/", "https://0xa9fea9fe/",
        "https://169.254.170.2/", "https://100.100.100.200/", "https://168.63.129.16/", "https://[fd00:ec2::254]/",
        // IPv6.
        "https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[0000::0001]/",
        "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:10.0.0.1]/",
        "https://[0:0:0:0:0:ffff:a9fe:a9fe]/", "https://[::127.0.0.1]/", "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::127.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:1::]/", "https://[2002:a00:1::1]/", "https://[2001:0:53aa:64c::1]/", "https://[fc00::1]/",
        "https://[fd12:3456:789a::1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fec0::1]/",
        "https://[ff02::1]/", "https://[100::1]/", "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[5f00::1]/",
        "https://[::ffff:0:127.0.0.1]/", "https://[2001:10::1]/",
        // What one program reads as another place than the next.
        "https://user@127.0.0.1/", "https://example.org@127.0.0.1/", "https://127.0.0.1@example.org/",
        "https://example.org:80@127.0.0.1/", "https://example.org\\@127.0.0.1/", "https://127.0.0.1\\.example.org/",
        "https://example.org#@127.0.0.1/", "https://[::1].example.org/", "https://[127.0.0.1]/", "https://::1/",
        "https:///127.0.0.1/", "https:127.0.0.1/", "//127.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/",
        "https://127.0.0.1%00.example.org/", "https://%31%32%37.0.0.1/", "https://example.org:0/",
        "https://example.org:65536/", "https://example.org:/", "https://example .org/", "https://exa\tmple.org/",
        "https://example.org/\r\nHost: inside", "http://example.org/", "ftp://example.org/", "file:///etc/passwd",
        "gopher://example.org/", "javascript:alert(1)", "https://", "https://.example.org/", "https://a..b/", "",
    ]

    @Test("An address that is not on the public Internet, or not plain, is refused", arguments: written)
    func refused(_ text: String) {
        #expect(throws: CallbackRefusal.self) { try CallbackURL(text, policy: CallbackPolicy()) }
    }

    @Test("The table has as many rows as were asked for")
    func size() {
        #expect(Set(Self.written).count == Self.written.count)
        #expect(Self.written.count >= 60)
    }

    @Test(
        "What is public is taken",
        arguments: [
            ("https://example.org/hook?of=me", "https://example.org:443"),
            ("https://example.org", "https://example.org:443"),
            ("HTTPS://Example.ORG:8443/a", "https://example.org:8443"), ("https://8.8.8.8/", "https://8.8.8.8:443"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]:443"),
            ("https://xn--fiqs8s.cn/", "https://xn--fiqs8s.cn:443"),
            ("https://172.32.0.1/", "https://172.32.0.1:443"), ("https://100.128.0.1/", "https://100.128.0.1:443"),
        ]
    )
    func taken(_ text: String, _ receiver: String) throws {
        let url = try CallbackURL(text, policy: CallbackPolicy())
        #expect(url.receiver == receiver)
        #expect(url.text == text)
        #expect("\(url)" == receiver)
    }

    @Test("The operator can allow what is not public, and plain HTTP")
    func allowed() throws {
        let network = try #require(IPNetwork("10.20.0.0/16"))
        let policy = CallbackPolicy(allowsHTTP: true, allowedNetworks: [network])
        #expect(try CallbackURL("http://10.20.3.4:8080/", policy: policy).receiver == "http://10.20.3.4:8080")
        #expect(throws: CallbackRefusal.self) { try CallbackURL("http://10.21.0.1/", policy: policy) }
        #expect(throws: CallbackRefusal.self) { try CallbackURL("http://127.0.0.1/", policy: policy) }
    }

    /// What names have led to.
    static let answers: [[String]] = [
        ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["192.168.1.1"], ["100.64.0.1"], ["0.0.0.0"], ["::1"],
        ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["2002:7f00:1::"], ["fd00:ec2::254"], ["fe80::1"],
        // One good address does not make up for a bad one.
        ["93.184.215.14", "127.0.0.1"], ["2606:4700::1111", "::1"], ["10.0.0.1", "8.8.8.8"],
    ]

    @Test("A name that leads to an address inside is refused", arguments: answers)
    func resolved(_ addresses: [String]) async {
        let targets = TargetGuard(policy: CallbackPolicy(), resolver: ScriptedResolver(["a.example.org": [addresses]]))
        await #expect(throws: DeliveryError.addressForbidden) {
            try await targets.address(of: .name("a.example.org"), attempt: 1)
        }
    }

    @Test("A name is asked for once: what it leads to afterwards does not matter")
    func rebinding() async throws {
        let resolver = ScriptedResolver(["a.example.org": [["93.184.215.14"], ["127.0.0.1"]]])
        let targets = TargetGuard(policy: CallbackPolicy(), resolver: resolver)
        #expect(try await targets.address(of: .name("a.example.org"), attempt: 1) == IPAddress("93.184.215.14"))
        #expect(resolver.questions == ["a.example.org"])
        await #expect(throws: DeliveryError.addressForbidden) {
            try await targets.address(of: .name("a.example.org"), attempt: 2)
        }
    }
}
