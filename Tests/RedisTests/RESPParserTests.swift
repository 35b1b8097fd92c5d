import NIOCore
import TestSupport
import Testing

@testable import Redis

struct RESPParserTests {
    /// One reply of each kind, and those that are easily got wrong.
    private static let samples: [(text: String, value: RESPValue)] = [
        ("+OK\r\n", .simple("OK")),
        ("+\r\n", .simple("")),
        ("-ERR no\r\n", .error("ERR no")),
        (":-42\r\n", .integer(-42)),
        (":9223372036854775807\r\n", .integer(.max)),
        ("$5\r\na\r\nb\0\r\n", .bulk(Array("a\r\nb\0".utf8))),
        ("$0\r\n\r\n", .bulk([])),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("*0\r\n", .array([])),
        ("*1\r\n*0\r\n", .array([.array([])])),
        (
            "*3\r\n*2\r\n:1\r\n$1\r\nx\r\n$-1\r\n*1\r\n-E x\r\n",
            .array([.array([.integer(1), .bulk([120])]), .null, .array([.error("E x")])])
        ),
    ]

    private static var stream: [UInt8] { samples.flatMap { Array($0.text.utf8) } }

    private func parsed(_ pieces: [ArraySlice<UInt8>], _ limits: RESPLimits = RESPLimits()) throws(RESPFault)
        -> [RESPValue]
    {
        var parser = RESPParser(limits: limits)
        var values: [RESPValue] = []
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            parser.append(&buffer)
            while let value = try parser.next() { values.append(value) }
        }
        return values
    }

    private func parsed(_ text: String, _ limits: RESPLimits = RESPLimits()) throws(RESPFault) -> [RESPValue] {
        try parsed([Array(text.utf8)[...]], limits)
    }

    @Test("Every kind of reply is read", arguments: samples.indices)
    func kinds(index: Int) throws {
        #expect(try parsed(Self.samples[index].text) == [Self.samples[index].value])
    }

    @Test("Wherever the bytes are cut in two or three, the replies are the same")
    func splits() throws {
        let bytes = Self.stream
        let expected = Self.samples.map(\.value)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]]
                guard try parsed(pieces) == expected else {
                    Issue.record("cut at \(first) and \(second)")
                    return
                }
            }
        }
        #expect(try parsed(bytes.indices.map { bytes[$0...$0] }) == expected)
    }

    @Test(
        "What is no reply is a fault",
        arguments: [
            "\r\n", "hello\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", ":\r\n",
            ":1.5\r\n",
            ":99999999999999999999\r\n", "$1\r\nab\r\n", "+OK\n", "*2\r\n:1\r\n?\r\n", "$+\r\n",
        ])
    func malformed(text: String) {
        #expect(throws: RESPFault.self) { try parsed(text) }
    }

    @Test("A fault stays: nothing is read after it")
    func faultStays() throws {
        var parser = RESPParser()
        var buffer = ByteBuffer(string: "?\r\n+OK\r\n")
        parser.append(&buffer)
        for _ in 0..<2 { #expect(throws: RESPFault.self) { try parser.next() } }
    }

    @Test("What comes before a fault is read")
    func beforeFault() throws {
        var parser = RESPParser()
        var buffer = ByteBuffer(string: "+OK\r\n?\r\n")
        parser.append(&buffer)
        #expect(try parser.next() == .simple("OK"))
        #expect(throws: RESPFault.self) { try parser.next() }
    }

    @Test(
        "A reply that is too large is refused as soon as that is known",
        arguments: [
            "$1001\r\n", "$2147483647\r\n", "$9223372036854775807\r\n", "*101\r\n", "*9223372036854775807\r\n",
            String(repeating: "*1\r\n", count: 6),
            "*11\r\n" + String(repeating: "$99\r\n\(String(repeating: "x", count: 99))\r\n", count: 11),
            "*100\r\n" + String(repeating: "*1\r\n:1\r\n", count: 60),
        ])
    func tooLarge(text: String) {
        let limits = RESPLimits(bytes: 1000, depth: 5, elements: 100)
        #expect(throws: RESPFault.tooLarge) { try parsed(text, limits) }
    }

    @Test("The limits are for each reply, not for all together")
    func limitsAreForEach() throws {
        let limits = RESPLimits(bytes: 100, depth: 2, elements: 10)
        let text = String(repeating: "*2\r\n*1\r\n:1\r\n$20\r\n\(String(repeating: "x", count: 20))\r\n", count: 50)
        #expect(try parsed(text, limits).count == 50)
    }

    @Test("A line that does not end is refused")
    func endlessLine() {
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)[...]
        #expect(throws: RESPFault.tooLarge) { try parsed([Array("+".utf8)[...]] + Array(repeating: piece, count: 70)) }
    }

    @Test("Bytes that were changed anywhere are read or refused, and never more than the limits", arguments: 0..<8)
    func mutations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limits = RESPLimits(bytes: 4096, depth: 8, elements: 64)
        let meaningful = Array("*$+-:\r\n0123456789".utf8)
        for _ in 0..<2000 {
            var bytes = Self.stream
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] = meaningful.randomElement(using: &random) ?? 0
                case 2: bytes.remove(at: place)
                default: bytes.insert(meaningful.randomElement(using: &random) ?? 0, at: place)
                }
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let whole = Result { () throws(RESPFault) in try parsed([bytes[...]], limits) }
            let pieces = Result { () throws(RESPFault) in try parsed([bytes[..<cut], bytes[cut...]], limits) }
            // Which of two faults it is may depend on what had come.
            switch (whole, pieces) {
            case (.success(let one), .success(let other)): #expect(one == other)
            case (.failure, .failure): break
            default: Issue.record("cut at \(cut), the outcome is another: \(bytes)")
            }
        }
    }

    @Test("A command is written as an array of strings, and its size is known before")
    func encoding() {
        let command = RedisCommand("SET", "key", [UInt8](repeating: 1, count: 1000), 10)
        var buffer = ByteBuffer()
        command.encode(into: &buffer)
        #expect(buffer.readableBytes == command.encodedSize)
        #expect(String(buffer: buffer).hasPrefix("*4\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000\r\n"))
        #expect(String(buffer: buffer).hasSuffix("\r\n$2\r\n10\r\n"))
    }
}
