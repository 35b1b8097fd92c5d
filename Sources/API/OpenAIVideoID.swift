import Tasks

/// A task's id as the OpenAI API spells ids: `video_` and 32 hexadecimal digits in small letters.
enum OpenAIVideoID {
    private static let prefix = "video_"
    /// Where a UUID has its hyphens, counted in digits.
    private static let groups = [8, 4, 4, 4, 12]

    /// The text form.
    static func text(_ id: TaskID) -> String {
        prefix + id.description.filter { $0 != "-" }
    }

    /// The task that a text names; `nil` for any other text.
    static func task(_ text: some StringProtocol) -> TaskID? {
        guard text.hasPrefix(prefix) else { return nil }
        var digits = Substring(text.dropFirst(prefix.count))
        guard digits.utf8.count == 32,
            digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        var parts: [Substring] = []
        for count in groups {
            parts.append(digits.prefix(count))
            digits = digits.dropFirst(count)
        }
        return TaskID(parts.joined(separator: "-"))
    }
}
