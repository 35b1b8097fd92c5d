import Testing

@testable import Server

@Suite("Text on a terminal")
struct TextWidthTests {
    @Test(
        "A Chinese character takes two columns, and what is put onto another none",
        arguments: [
            ("abc", 3), ("一只猫", 6), ("한글", 4), ("e\u{301}", 1), ("ｶﾅ", 2), ("猫cat", 5), ("🐈", 2), ("█░", 2), ("", 0),
        ]
    )
    func columns(_ text: String, _ columns: Int) {
        #expect(TextWidth.columns(text) == columns)
    }

    @Test("What is too long is cut at a character and marked")
    func fitted() {
        #expect(TextWidth.fitted("a cat on grass", to: 14) == "a cat on grass")
        #expect(TextWidth.fitted("a cat on grass", to: 6) == "a cat…")
        #expect(TextWidth.fitted("一只猫在草地上", to: 6) == "一只…")
        #expect(TextWidth.fitted("一只猫在草地上", to: 7) == "一只猫…")
        #expect(TextWidth.fitted("一只", to: 1) == "…")
        #expect(TextWidth.fitted("一只", to: 0) == "")
    }

    @Test("Padding counts columns, not characters")
    func padded() {
        #expect(TextWidth.padded("猫", to: 4) == "猫  ")
        #expect(TextWidth.padded("猫猫猫", to: 4) == "猫猫猫")
    }

    @Test("Orders to the terminal become spaces")
    func plain() {
        #expect(TextWidth.plain("a\u{1B}[31mb\r\nc\u{202E}d\u{7}") == "a [31mb  c d ")
    }
}
