/// One thing that was looked at.
struct Finding: Equatable, Encodable {
    /// How it stands with it.
    enum Verdict: String, Encodable, CaseIterable, Comparable {
        case ok
        /// A server runs, and something of it will not be as it could be.
        case warning
        /// A server does not run, or makes nothing.
        case missing

        static func < (one: Verdict, other: Verdict) -> Bool {
            allCases.firstIndex(of: one) ?? 0 < allCases.firstIndex(of: other) ?? 0
        }

        /// Symbol and word, as wide for each: a symbol alone says nothing to who does not see it.
        fileprivate var text: String {
            switch self {
            case .ok: "✓ ok     "
            case .warning: "! warning"
            case .missing: "✗ missing"
            }
        }

        fileprivate var colour: String {
            switch self {
            case .ok: "\u{1B}[32m"
            case .warning: "\u{1B}[33m"
            case .missing: "\u{1B}[31m"
            }
        }
    }

    var verdict: Verdict
    var subject: String
    /// What is there, or what is wrong and what to do.
    var text: String

    init(_ verdict: Verdict, _ subject: String, _ text: String) {
        self.verdict = verdict
        self.subject = subject
        self.text = text
    }

    /// The finding as one line.
    ///
    /// - Parameter isColoured: for a terminal.
    /// - Returns: verdict, subject and text.
    func line(isColoured: Bool = false) -> String {
        let mark = isColoured ? "\(verdict.colour)\(verdict.text)\u{1B}[0m" : verdict.text
        return "\(mark)  \(subject): \(TextWidth.plain(text))"
    }
}
