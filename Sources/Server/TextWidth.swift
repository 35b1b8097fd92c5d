/// How wide text is on a terminal, and text of a given width.
///
/// A Chinese character takes two columns, and what a server sends may hold characters that would move the cursor.
enum TextWidth {
    /// Scalars that take two columns, after Unicode's East Asian Width and the emoji that terminals draw.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x231A...0x231B, 0x23E9...0x23EC, 0x2614...0x2615, 0x2E80...0x303E, 0x3041...0x4DBF,
        0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]

    /// The columns that text takes.
    static func columns(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

    private static func columns(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        return wide.contains { $0.contains(first.value) } ? 2 : 1
    }

    /// Text without anything that a terminal would take for an order.
    static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: \.isOrder) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isOrder ? " " : $0 }))
    }

    /// Plain text that takes so many columns at most; what is left out is marked with `…`.
    static func fitted(_ text: String, to width: Int) -> String {
        let text = plain(text)
        guard width > 0 else { return "" }
        guard columns(text) > width else { return text }
        var taken = 0
        let kept = text.prefix { character in
            taken += columns(character)
            return taken < width
        }
        return kept + "…"
    }

    /// Text with spaces behind it, so that it takes so many columns at least.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - columns(text)))
    }
}

extension Unicode.Scalar {
    /// Control characters, those that turn the direction of writing, and those that break lines.
    fileprivate var isOrder: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
        default: false
        }
    }
}
