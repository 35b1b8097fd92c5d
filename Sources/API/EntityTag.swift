import HTTPTypes

/// The strong validator of a file: for a video its hash, for what is made from it that and the variant.
///
/// RFC 9110, section 8.8.3.
struct EntityTag: Equatable {
    /// With its quotes.
    let text: String

    init(_ opaque: String) {
        text = "\"\(opaque)\""
    }

    /// Whether `If-None-Match` says that the client has it already.
    ///
    /// Weak comparison, as that header asks.
    func isNamed(byIfNoneMatch header: String?) -> Bool {
        guard let header else { return false }
        return names(in: header).contains { $0 == "*" || $0 == text || $0 == "W/" + text }
    }

    /// Whether `If-Match`, if it is there, allows to go on.
    ///
    /// Strong comparison.
    func isAllowed(byIfMatch header: String?) -> Bool {
        guard let header else { return true }
        return names(in: header).contains { $0 == "*" || $0 == text }
    }

    /// Whether `If-Range`, if it is there, allows to send a part.
    ///
    /// Strong comparison; a date never matches.
    func isAllowed(byIfRange header: String?) -> Bool {
        guard let header else { return true }
        return header.trimmingSpace == text
    }

    private func names(in header: String) -> [Substring] {
        header.split(separator: ",").map { Substring($0.trimmingSpace) }
    }
}
