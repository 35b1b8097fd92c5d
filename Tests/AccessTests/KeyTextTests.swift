import Foundation
import Tasks
import Testing

@testable import Access

@Suite("The text of a key")
struct KeyTextTests {
    @Test("A new key is what scanners for secrets look for, and is read back")
    func made() throws {
        for _ in 0..<50 {
            let key = KeyText()
            #expect(try /animato_[0-9A-Za-z]{50}/.wholeMatch(in: key.text) != nil)
            let read = try #require(KeyText(key.text))
            #expect(read.id == key.id)
            #expect(read.hash == key.hash)
            #expect(key.hash.count == 32)
        }
    }

    @Test("No two keys are equal, and a new secret of an id keeps the id")
    func unique() {
        let keys = (0..<500).map { _ in KeyText() }
        #expect(Set(keys.map(\.text)).count == 500)
        #expect(Set(keys.map(\.id)).count == 500)
        let again = KeyText(of: keys[0].id)
        #expect(again.id == keys[0].id)
        #expect(again.text != keys[0].text)
    }

    @Test("Whatever one character is changed to, the checksum tells")
    func checksum() {
        let text = KeyText().text
        for index in text.indices {
            var changed = text
            let other: Character = text[index] == "x" ? "y" : "x"
            changed.replaceSubrange(index...index, with: String(other))
            #expect(KeyText(changed) == nil)
        }
    }

    @Test(
        "What is no key is none",
        arguments: [
            "", "animato_", "secret", String(repeating: "a", count: 58), "animato_" + String(repeating: "0", count: 50),
            "animato_" + String(repeating: "é", count: 25), "Bearer animato_",
        ]
    )
    func malformed(_ text: String) {
        #expect(KeyText(text) == nil)
        #expect(KeyText(KeyText().text + " ") == nil)
        #expect(KeyText(KeyText().text + text) == nil || text.isEmpty)
    }

    @Test("The checksum is the CRC-32 that everybody has")
    func standard() {
        #expect(CRC32.checksum(of: "123456789".utf8) == 0xCBF4_3926)
    }

    @Test("No description shows the secret")
    func hidden() {
        let key = KeyText()
        let secret = String(key.text.dropFirst(20).prefix(32))
        var dumped = ""
        dump(key, to: &dumped)
        for shown in ["\(key)", String(reflecting: key), "\([key])", dumped] {
            #expect(!shown.contains(secret))
            #expect(shown.contains(key.id.rawValue))
        }
    }
}
