import Tasks

/// The query of `GET /api/v1/uploads`.
struct UploadListQuery: Equatable {
    let before: MediaID?
    let limit: Int

    /// Reads the part of an address after the question mark.
    ///
    /// - Throws: every violation at once.
    init(_ query: Substring, settings: APISettings) throws(RequestRejection) {
        var parameters = QueryParameters(query, known: ["cursor", "limit"])
        before = parameters.value("cursor", "a next_cursor") { MediaID($0) }
        limit = parameters.limit(settings)
        try parameters.check()
    }
}
