import Results
import Tasks

/// The query of `GET /v1/videos`.
struct OpenAIListQuery: Equatable {
    private enum Order: String, CaseIterable {
        case asc
        case desc
    }

    let after: TaskID?
    let isAscending: Bool
    let limit: Int

    /// Reads the part of an address after the question mark.
    ///
    /// - Throws: every violation at once.
    init(_ query: Substring, settings: APISettings) throws(RequestRejection) {
        var parameters = QueryParameters(query, known: ["after", "limit", "order"])
        after = parameters.value("after", "the id of a video") { OpenAIVideoID.task($0) }
        isAscending = parameters.value("order", "asc or desc") { Order(rawValue: $0) } == .asc
        limit = parameters.limit(settings)
        try parameters.check()
    }
}

/// The query of `GET /v1/videos/{video_id}/content`.
struct OpenAIContentQuery: Equatable {
    /// The files that the OpenAI API knows.
    enum Variant: String, CaseIterable {
        case video
        case thumbnail
        case spritesheet

        /// What it is of ours; `nil`: the video itself.
        var made: VideoVariant? {
            switch self {
            case .video: nil
            case .thumbnail: .posterWebP
            case .spritesheet: .sprites
            }
        }
    }

    let variant: Variant

    /// Reads the part of an address after the question mark.
    ///
    /// - Throws: every violation at once.
    init(_ query: Substring) throws(RequestRejection) {
        var parameters = QueryParameters(query, known: ["variant"])
        let known = Variant.allCases.map(\.rawValue).joined(separator: ", ")
        variant = parameters.value("variant", "one of \(known)") { Variant(rawValue: $0) } ?? .video
        try parameters.check()
    }
}
