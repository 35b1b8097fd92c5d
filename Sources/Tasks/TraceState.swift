/// The rules for a `tracestate`.
enum TraceState {
    private static let maxMembers = 32

    /// Whether it is a list of at most 32 members, each key there once, in at most `TraceContext.maxStateBytes`.
    static func isSound(_ text: String) -> Bool {
        guard (1...TraceContext.maxStateBytes).contains(text.utf8.count) else { return false }
        var keys: Set<Substring> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let member = part.trimmingOptionalSpace
            // Members may be empty.
            if member.isEmpty { continue }
            guard let equals = member.firstIndex(of: "=") else { return false }
            let key = member[..<equals]
            guard isKey(key), isValue(member[member.index(after: equals)...]), keys.insert(key).inserted else {
                return false
            }
        }
        return (1...maxMembers).contains(keys.count)
    }

    /// A name, or `tenant@system`.
    private static func isKey(_ key: Substring) -> Bool {
        let parts = key.split(separator: "@", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isName(parts[0], limit: 256, mayBeginWithDigit: false)
        case 2:
            return isName(parts[0], limit: 241, mayBeginWithDigit: true)
                && isName(parts[1], limit: 14, mayBeginWithDigit: false)
        default: return false
        }
    }

    private static func isName(_ text: Substring, limit: Int, mayBeginWithDigit: Bool) -> Bool {
        guard (1...limit).contains(text.utf8.count), let first = text.utf8.first else { return false }
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        guard isLetter || mayBeginWithDigit && isDigit else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"):
                true
            default:
                false
            }
        }
    }

    /// Visible characters and spaces without comma and equals sign, not ending with a space.
    private static func isValue(_ text: Substring) -> Bool {
        guard (1...256).contains(text.utf8.count), text.utf8.last != UInt8(ascii: " ") else { return false }
        return text.utf8.allSatisfy { byte in
            (0x20...0x7E).contains(byte) && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "=")
        }
    }
}

extension Substring {
    /// Without the spaces and tabs around it.
    fileprivate var trimmingOptionalSpace: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var text = drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}
