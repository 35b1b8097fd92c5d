import Testing

@testable import Celery

struct JSONTests {
    private func parse(_ text: String) throws -> JSON { try JSONParser.parse(Array(text.utf8)) }

    @Test("What is read is written again as it was, order and digits included")
    func roundTrip() throws {
        let text = #"{"b":[1,2.50,-3e9,true,false,null],"a":"一只猫 \"\\ 😀","c":{}}"#
        #expect(String(decoding: try parse(text).bytes, as: UTF8.self) == text)
    }

    @Test("Escapes are understood, and control characters are escaped")
    func escapes() throws {
        #expect(try parse(#""\u4e00\ud83d\ude00\n\/""#) == .string("一😀\n/"))
        #expect(String(decoding: JSON.string("a\n\u{1}").bytes, as: UTF8.self) == "\"a\\u000a\\u0001\"")
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\" 1}", "NaN", "[Infinity]", "\"\\ud800\"", "1 2", "\"\\x\"", "01", "\"a\nb\"",
        ]
    )
    func refused(_ text: String) {
        #expect(throws: JSONParser.Fault.self) { try parse(text) }
    }

    @Test("Nesting has a limit")
    func depth() throws {
        let deep = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        _ = try parse(deep)
        #expect(throws: JSONParser.Fault.self) { try parse("[" + deep + "]") }
        #expect(throws: JSONParser.Fault.self) { try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test("Bytes that are no UTF-8 are refused")
    func notUTF8() {
        #expect(throws: JSONParser.Fault.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    }

    @Test("No cut of a real message is taken for a whole one, and none ends the program")
    func cuts() {
        let whole = Array(Recorded.plain.utf8)
        for length in 0..<whole.count {
            #expect(throws: JSONParser.Fault.self) { try JSONParser.parse(Array(whole[..<length])) }
        }
    }

    @Test("Python's way of writing is cut short")
    func python() {
        let value: JSON = [
            "a": [.null, .bool(true), .string("it's")], "b": .string(String(repeating: "x", count: 5000)),
        ]
        let text = value.pythonText(limit: 100)
        #expect(text.hasPrefix(#"{'a': [None, True, 'it\'s'], 'b': 'xxx"#))
        #expect(text.count == 101)
    }
}
