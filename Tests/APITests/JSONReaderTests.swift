import Foundation
import Testing

@testable import API

struct JSONReaderTests {
    private func read(_ text: String) throws -> [String: JSONValue] {
        try read(Array(text.utf8))
    }

    private func read(_ bytes: [UInt8]) throws -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        var reader = JSONReader(bytes)
        try reader.readObject { name, value in members[name] = value }
        return members
    }

    @Test(
        "A value is read as what it is",
        arguments: [
            (#""""#, .string("")), (#""a cat""#, .string("a cat")), ("\"一只猫 🐈\"", .string("一只猫 🐈")),
            (#""\u4e00\u53ea""#, .string("一只")), (#""\ud83d\udc08""#, .string("🐈")),
            (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")), (#""\u0000""#, .string("\u{0}")),
            ("0", .integer(0)), ("-0", .integer(0)), ("49", .integer(49)), ("-7", .integer(-7)),
            ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(9.223372036854775808e18)),
            ("49.0", .number(49)), ("4.9e1", .number(49)), ("1E+2", .number(100)), ("5e-1", .number(0.5)),
            ("1e999", .number(.infinity)), ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
            ("[]", .array([])), ("{}", .object([])),
            (#"[1, "a", [true]]"#, .array([.integer(1), .string("a"), .array([.bool(true)])])),
            (#"[{"b": null}]"#, .array([.object([JSONMember(name: "b", value: .null)])])),
            (
                #"{"a": {"b": [1]}, "a": 2}"#,
                .object([
                    JSONMember(name: "a", value: .object([JSONMember(name: "b", value: .array([.integer(1)]))])),
                    JSONMember(name: "a", value: .integer(2)),
                ])
            ),
        ] as [(String, JSONValue)]
    )
    func value(_ text: String, _ expected: JSONValue) throws {
        #expect(try read("{\"x\":\(text)}") == ["x": expected])
        #expect(try read(" \n\t\r{ \"x\" :\n \(text) } \r\n") == ["x": expected])
    }

    static let malformed: [(String, Int)] = [
        ("", 0), ("  ", 2), ("[]", 0), ("null", 0), ("\"a\"", 0), ("1", 0), ("{", 1), ("}", 0), ("{]", 1),
        ("{\"a\"}", 4), ("{\"a\" 1}", 5), ("{\"a\":}", 5), ("{\"a\":1", 6), ("{\"a\":1,}", 7), ("{\"a\":1 2}", 7),
        ("{\"a\":1}x", 7), ("{\"a\":1}{}", 7), ("{a:1}", 1), ("{'a':1}", 1), ("{1:1}", 1), ("{\"a", 3),
        ("{\"a\":\"b", 7), ("{\"a\":tru}", 8), ("{\"a\":True}", 5), ("{\"a\":nul", 8), ("{\"a\":NaN}", 5),
        ("{\"a\":Infinity}", 5), ("{\"a\":-}", 6), ("{\"a\":-Infinity}", 6), ("{\"a\":01}", 6), ("{\"a\":1.}", 7),
        ("{\"a\":.5}", 5), ("{\"a\":1e}", 7), ("{\"a\":1e+}", 8), ("{\"a\":+1}", 5), ("{\"a\":0x10}", 6),
        ("{\"a\":\"\\x\"}", 7), ("{\"a\":\"\\u12g4\"}", 10), ("{\"a\":\"\\ud800\"}", 12),
        ("{\"a\":\"\\udc00\"}", 12), ("{\"a\":\"\\ud800\\u0041\"}", 18), ("{\"a\":\"\n\"}", 6),
        ("{\"a\":[1,]}", 8), ("{\"a\":[1 2]}", 8), ("{\"a\":[", 6), ("{\"a\":[1}", 7), ("\u{FEFF}{}", 0),
        ("{} // no", 3), ("/* no */{}", 0),
    ]

    @Test("What is not a JSON object is refused, with the place", arguments: malformed)
    func refused(_ text: String, _ position: Int) throws {
        let error = #expect(throws: MalformedJSON.self) { try read(text) }
        #expect(error?.position == position, "\(error?.reason ?? "")")
    }

    @Test(
        "Bytes that are not UTF-8 are refused",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE4, 0xB8], [0x80],
        ] as [[UInt8]]
    )
    func notUTF8(_ bytes: [UInt8]) {
        for escape in ["", "\\n"] {
            let body = Array("{\"a\":\"\(escape)".utf8) + bytes + Array("\"}".utf8)
            #expect(throws: MalformedJSON.self) { try read(body) }
            #expect(throws: MalformedJSON.self) {
                try read(Array("{\"a\":[\"\(escape)".utf8) + bytes + Array("\"]}".utf8))
            }
        }
    }

    @Test("Of a long array the first elements are kept")
    func longArray() throws {
        let elements = Array(repeating: "1", count: 10_000).joined(separator: ",")
        let kept = Array(repeating: JSONValue.integer(1), count: JSONReader.maxElements)
        #expect(try read("{\"a\":[\(elements)]}") == ["a": .array(kept)])
    }

    @Test("Nesting is bounded")
    func depth() throws {
        let deep = JSONReader.maxDepth - 1
        let nested = "{\"a\":\(String(repeating: "[", count: deep))\(String(repeating: "]", count: deep))}"
        #expect(try read(nested)["a"] != nil)
        #expect(throws: MalformedJSON.self) { try read("{\"a\":\(String(repeating: "[", count: 100_000))") }
        #expect(throws: MalformedJSON.self) { try read(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test("No damaged text crashes the reader, and it takes nothing that Foundation refuses")
    func damaged() throws {
        let seeds = [
            #"{"prompt":"一只猫 \ud83d\udc08","width":768,"list":[1,-2.5e3,null,{"a":true}]}"#,
            #"{"a":"\u0041\n","b":0.25,"c":[],"d":{}}"#,
        ]
        var random = SystemRandomNumberGenerator()
        for seed in seeds {
            for _ in 0..<4000 {
                var bytes = Array(seed.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(UInt8.random(in: 0x20...0x7D, using: &random), at: place)
                    }
                }
                guard (try? read(bytes)) != nil else { continue }
                // Foundation refuses numbers that are too large for it, which JSON allows.
                guard !bytes.contains(UInt8(ascii: "e")), !bytes.contains(UInt8(ascii: "E")) else { continue }
                #expect(
                    (try? JSONSerialization.jsonObject(with: Data(bytes))) is [String: Any],
                    "\(String(decoding: bytes, as: UTF8.self))"
                )
            }
        }
    }
}
