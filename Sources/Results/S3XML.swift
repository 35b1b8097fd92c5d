import Foundation

/// Reads the few answers that matter here: flat elements with plain text.
enum S3XML {
    /// The text of the first element of a name.
    static func text(of name: String, in xml: some StringProtocol) -> String? {
        guard let start = xml.range(of: "<\(name)>"),
            let end = xml.range(of: "</\(name)>", range: start.upperBound..<xml.endIndex)
        else { return nil }
        return plain(String(xml[start.upperBound..<end.lowerBound]))
    }

    /// A page of an answer to `ListObjectsV2`.
    ///
    /// What is no object is passed over: keys that are not ours are nothing to us.
    static func page(_ xml: String) -> S3Page {
        let objects = xml.components(separatedBy: "<Contents>").dropFirst().compactMap { part -> S3Object? in
            guard let key = text(of: "Key", in: part), let bytes = text(of: "Size", in: part).flatMap({ Int64($0) }),
                let modified = text(of: "LastModified", in: part).flatMap(milliseconds)
            else { return nil }
            return S3Object(key: key, bytes: bytes, modified: modified)
        }
        let isCut = text(of: "IsTruncated", in: xml) == "true"
        return S3Page(objects: objects, next: isCut ? text(of: "NextContinuationToken", in: xml) : nil)
    }

    /// As the text of an element.
    static func escaped(_ text: String) -> String {
        entities.reversed().reduce(text) { $0.replacingOccurrences(of: $1.character, with: $1.entity) }
    }

    private static func plain(_ text: String) -> String {
        guard text.contains("&") else { return text }
        return entities.reduce(text) { $0.replacingOccurrences(of: $1.entity, with: $1.character) }
    }

    /// The ampersand last, so that nothing is read twice.
    private static let entities: [(entity: String, character: String)] = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&#39;", "'"),
        ("&amp;", "&"),
    ]

    private static func milliseconds(_ text: String) -> Int64? {
        let date =
            (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
            ?? (try? Date.ISO8601FormatStyle().parse(text))
        return date.map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) }
    }
}

/// A page of a listing.
struct S3Page: Sendable, Equatable {
    var objects: [S3Object]
    /// Names the next page; `nil` on the last.
    var next: String?
}

/// An object, as a listing shows it.
struct S3Object: Sendable, Equatable {
    var key: String
    var bytes: Int64
    /// Milliseconds since 1970.
    var modified: Int64

    /// What follows the last slash.
    var fileName: Substring { key[(key.lastIndex(of: "/").map { key.index(after: $0) } ?? key.startIndex)...] }
    /// The video that it is or belongs to.
    var video: VideoName? { VideoName(fileName.prefix(64)) }
}
