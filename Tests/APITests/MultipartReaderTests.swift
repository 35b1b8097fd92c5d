import Testing

@testable import API

struct MultipartReaderTests {
    private static let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n"

    /// What a whole form holds: names and contents of its parts, in order.
    private func read(
        _ bytes: [UInt8],
        boundary: String = "x",
        piece: () -> Int = { .max }
    ) throws -> [(name: String, content: [UInt8])] {
        var reader = try #require(MultipartReader(boundary: boundary))
        var parts: [(name: String, content: [UInt8])] = []
        var rest = bytes[...]
        repeat {
            let count = min(rest.count, max(1, piece()))
            for event in try reader.take(rest.prefix(count)) {
                switch event {
                case .part(let part): parts.append((part.name, []))
                case .content(let bytes): parts[parts.count - 1].content += bytes
                case .end: break
                }
            }
            rest = rest.dropFirst(count)
        } while !rest.isEmpty
        try reader.finish()
        return parts
    }

    private func read(_ text: String) throws -> [(name: String, content: [UInt8])] {
        try read(Array(text.utf8))
    }

    @Test(
        "The content of a part is what stands between its head and the next boundary",
        arguments: [
            ("--x\r\n\(head)\r\nabc\r\n--x--\r\n", "abc"), ("--x\r\n\(head)\r\nabc\r\n--x--", "abc"),
            ("--x\r\n\(head)\r\n\r\n--x--", ""), ("--x\r\n\(head)\r\n\r\n\r\n--x--", "\r\n"),
            ("preamble\r\n--x\r\n\(head)\r\nabc\r\n--x--\r\nepilogue\r\n--x\r\n", "abc"),
            ("\r\n--x\r\n\(head)\r\nabc\r\n--x--", "abc"), ("--x \t \r\n\(head)\r\nabc\r\n--x-- \r\n", "abc"),
            ("--x\r\n\(head)\r\n\r\n--\r\n-x--x\r\n--y\r\n--x--", "\r\n--\r\n-x--x\r\n--y"),
            ("--x\r\n\(head)Content-Type: image/png\r\nX-Other: 1\r\n\r\nabc\r\n--x--", "abc"),
            ("--x\r\ncontent-disposition:form-data;name=file\r\n\r\nabc\r\n--x--", "abc"),
        ]
    )
    func content(_ form: String, _ content: String) throws {
        let parts = try read(form)
        #expect(parts.map(\.name) == ["file"])
        #expect(parts.map { String(decoding: $0.content, as: UTF8.self) } == [content])
    }

    @Test("Several parts are told apart")
    func several() throws {
        let parts = try read(
            "--x\r\n\(Self.head)\r\nabc\r\n--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n\r\n--x--"
        )
        #expect(parts.map(\.name) == ["file", "b"])
        #expect(parts.map(\.content) == [Array("abc".utf8), []])
    }

    @Test(
        "What is no form is refused",
        arguments: [
            "", "abc", "--x", "--x\r\n", "--x--", "--x\r\n\(head)\r\nabc", "--x\r\n\(head)\r\nabc\r\n--x",
            "--xy\r\n\(head)\r\nabc\r\n--x--", "--x-y\r\n", "--x\n\(head)\r\nabc\r\n--x--",
            "--x\r\n\r\nabc\r\n--x--", "--x\r\nno colon\r\n\r\nabc\r\n--x--", "--x\r\n: a\r\n\r\nabc\r\n--x--",
            "--x\r\n\(head)\(head)\r\nabc\r\n--x--", "--x\r\n\(head) folded\r\n\r\nabc\r\n--x--",
            "--x\r\nContent-Disposition: attachment; name=\"file\"\r\n\r\nabc\r\n--x--",
            "--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--",
            "--x\r\nContent-Disposition: form-data; name=\"file\r\n\r\nabc\r\n--x--",
            "--x\r\n\(head)Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--x--",
            String(repeating: "p", count: MultipartReader.maxPreamble + 1) + "\r\n--x\r\n\(head)\r\nabc\r\n--x--",
            "--x" + String(repeating: " ", count: MultipartReader.maxPadding + 1) + "\r\n\(head)\r\nabc\r\n--x--",
            "--x\r\n\(head)X: \(String(repeating: "h", count: MultipartReader.maxHead))\r\n\r\nabc\r\n--x--",
        ]
    )
    func refused(_ form: String) throws {
        // A form without a part is one to this reader; whoever needs a file says so.
        guard form != "--x--" else { return #expect(try read(form).isEmpty) }
        #expect(throws: MultipartFault.self) { try read(form) }
    }

    @Test(
        "A boundary is 1 to 70 characters of RFC 2046",
        arguments: [
            ("x", true), ("----WebKitFormBoundary7MA4YWxkTrZu0gW", true), ("a b", true), ("'()+_,-./:=?", true),
            (String(repeating: "b", count: 70), true), ("", false), ("a ", false), ("a\"", false), ("a;b", false),
            ("é", false), ("a\r\n", false), (String(repeating: "b", count: 71), false),
        ]
    )
    func boundary(_ boundary: String, _ isOne: Bool) {
        #expect((MultipartReader(boundary: boundary) != nil) == isOne)
    }

    @Test("A form means the same however it is cut, and whatever its content looks like", arguments: 0..<200)
    func cuts(_ seed: Int) throws {
        var random = SeededRandom(seed)
        let boundary = String(repeating: "-b", count: .random(in: 0...34, using: &random)) + "z"
        // Content made of pieces of boundaries is what a reader gets wrong, if any is. None has the last letter.
        let pieces = ["\r", "\n", "-", "\r\n", "--", "\r\n--", "\r\n--" + boundary.dropLast(), "\r\r\n--", "b", "\0"]
        var form: [UInt8] = Array(repeating: 0x20, count: .random(in: 0...40, using: &random))
        if !form.isEmpty { form += [13, 10] }
        var expected: [[UInt8]] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            var content: [UInt8] = []
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                content += Array((pieces.randomElement(using: &random) ?? "").utf8)
            }
            expected.append(content)
            form += Array("--\(boundary)\r\n\(Self.head)\r\n".utf8) + content + [13, 10]
        }
        form += Array("--\(boundary)--\r\n".utf8)
        let longest = Int.random(in: 1...100, using: &random)
        let parts = try read(form, boundary: boundary, piece: { .random(in: 1...longest, using: &random) })
        #expect(parts.map(\.content) == expected, "seed \(seed)")
    }

    @Test("A damaged form is refused or read, and never holds more than its bounds", arguments: 0..<300)
    func damaged(_ seed: Int) throws {
        var random = SeededRandom(seed)
        var form = Array(
            "--x\r\n\(Self.head)Content-Type: image/png\r\n\r\nabc\r\n--x\r\n\(Self.head)\r\n\r\n--x--".utf8)
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let at = Int.random(in: 0..<form.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: form[at] = .random(in: .min ... .max, using: &random)
            case 1: form.insert(contentsOf: [13, 10, 45, 45].shuffled(using: &random), at: at)
            case 2: form.removeSubrange(at..<min(form.count, at + 3))
            default: form.insert(contentsOf: form.prefix(at), at: at)
            }
        }
        var reader = try #require(MultipartReader(boundary: "x"))
        var content = 0
        do throws(MultipartFault) {
            var rest = form[...]
            while !rest.isEmpty {
                let count = min(rest.count, .random(in: 1...7, using: &random))
                for case .content(let bytes) in try reader.take(rest.prefix(count)) { content += bytes.count }
                rest = rest.dropFirst(count)
            }
            try reader.finish()
        } catch {
            #expect(!error.message.isEmpty)
        }
        #expect(content <= form.count)
    }

    @Test("Bytes without end that are no form are refused soon", arguments: ["-", " ", "\r\n", "--x", "a"])
    func endless(_ piece: String) throws {
        var reader = try #require(MultipartReader(boundary: "y"))
        #expect(throws: MultipartFault.self) {
            for _ in 0..<2000 { _ = try reader.take(Array(piece.utf8)) }
        }
    }
}

/// The same row of numbers for the same seed: SplitMix64, as Steele, Lea and Flood have it (OOPSLA 2014).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) {
        state = UInt64(seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
