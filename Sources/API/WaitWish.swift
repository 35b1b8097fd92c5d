import HTTPTypes
import Tasks

/// How long a client wants the end of its task to be waited for.
struct WaitWish: Equatable {
    static let parameter = "wait"

    /// Whole seconds; `nil`: not at all.
    let seconds: Int?
    /// Whether it was said as a preference, which may be left unheeded.
    let isPreference: Bool

    /// - Parameters:
    ///   - query: whose `wait` counts before all.
    ///   - preferences: `Prefer`, where it is heeded.
    ///   - limit: seconds at most; a preference for more is one for so many.
    /// - Throws: every violation of the query at once; a preference that cannot be read is none.
    init(_ query: Substring, preferences: String? = nil, limit: Int) throws(RequestRejection) {
        guard !query.isEmpty || preferences != nil else {
            (seconds, isPreference) = (nil, false)
            return
        }
        var parameters = QueryParameters(query, known: [Self.parameter])
        let asked = parameters.value(Self.parameter, "a whole number of seconds from 0 to \(limit)") { text in
            Int(text).flatMap { (0...limit).contains($0) ? $0 : nil }
        }
        try parameters.check()
        let preferred = asked == nil ? preferences.flatMap { Preferences($0)["wait"] }.flatMap(Self.seconds) : nil
        seconds = asked ?? preferred.map { min($0, limit) }
        isPreference = preferred != nil
    }

    /// What RFC 9111 has for seconds; more than fit are as many as fit.
    private static func seconds(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text) ?? .max
    }
}

/// What a request's `Prefer` says.
///
/// RFC 7240. Of a preference that is there twice the first counts; what is no preference is passed over.
struct Preferences: Equatable {
    private var values: [String: String] = [:]

    init(_ header: String) {
        for part in Self.split(header, at: UInt8(ascii: ",")) {
            // Parameters of a preference say nothing of those that are known here.
            guard let preference = Self.split(part, at: UInt8(ascii: ";")).first else { continue }
            let halves = preference.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = halves[0].trimmingSpace.lowercased()
            guard !name.isEmpty, values[name] == nil else { continue }
            values[name] = halves.count == 2 ? Self.unquoted(String(halves[1].trimmingSpace)) : ""
        }
    }

    subscript(_ name: String) -> String? { values[name] }

    /// The parts between separators that are not in quotes.
    private static func split(_ text: some StringProtocol, at separator: UInt8) -> [String] {
        var parts: [[UInt8]] = [[]]
        var isQuoted = false
        var isEscaped = false
        for byte in text.utf8 {
            if byte == separator, !isQuoted {
                parts.append([])
                continue
            }
            if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && byte == UInt8(ascii: "\\") && !isEscaped
            parts[parts.count - 1].append(byte)
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func unquoted(_ value: String) -> String {
        guard value.utf8.count >= 2, value.first == "\"", value.last == "\"" else { return value }
        return String(value.dropFirst().dropLast())
    }
}
