import Testing

@testable import API

struct ByteRangeTests {
    static let table: [(header: String?, expected: ByteRange)] = [
        (nil, .whole),
        ("bytes=0-0", .part(0..<1)),
        ("bytes=0-9", .part(0..<10)),
        ("bytes=0-", .part(0..<100)),
        ("bytes=99-", .part(99..<100)),
        ("bytes=99-99", .part(99..<100)),
        ("bytes=50-1000", .part(50..<100)),
        ("bytes=0-99", .part(0..<100)),
        ("bytes=-1", .part(99..<100)),
        ("bytes=-10", .part(90..<100)),
        ("bytes=-100", .part(0..<100)),
        ("bytes=-1000", .part(0..<100)),
        ("BYTES=0-1", .part(0..<2)),
        ("bytes= 0-1 ", .part(0..<2)),
        ("bytes=007-008", .part(7..<9)),
        ("bytes=0-99999999999999999999999", .part(0..<100)),
        ("bytes=-99999999999999999999999", .part(0..<100)),
        ("bytes=9223372036854775807-", .unsatisfiable),
        ("bytes=100-", .unsatisfiable),
        ("bytes=100-200", .unsatisfiable),
        ("bytes=99999999999999999999999-", .unsatisfiable),
        ("bytes=-0", .unsatisfiable),
        ("bytes=9-0", .whole),
        ("bytes=", .whole),
        ("bytes=-", .whole),
        ("bytes", .whole),
        ("", .whole),
        ("bytes=a-b", .whole),
        ("bytes=1", .whole),
        ("bytes=1-2-3", .whole),
        ("bytes=--1", .whole),
        ("bytes=+1-2", .whole),
        ("bytes=0x1-2", .whole),
        ("bytes=0-1,5-6", .whole),
        ("bytes=0-1,", .whole),
        ("items=0-1", .whole),
        ("bytes 0-1", .whole),
        ("bytes=１-２", .whole),
    ]

    @Test("A Range header means what RFC 9110 says", arguments: table)
    func range(_ header: String?, _ expected: ByteRange) {
        #expect(ByteRange(header, length: 100) == expected)
    }

    @Test("Nothing can be taken out of nothing", arguments: ["bytes=0-", "bytes=-1", "bytes=0-0"])
    func empty(_ header: String) {
        #expect(ByteRange(header, length: 0) == .unsatisfiable)
    }
}
