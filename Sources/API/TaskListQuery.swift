import Tasks

/// The query of `GET /api/v1/tasks`.
struct TaskListQuery: Equatable {
    let status: TaskStatus?
    let before: TaskID?
    let limit: Int

    /// Reads the part of an address after the question mark.
    ///
    /// - Throws: every violation at once.
    init(_ query: Substring, settings: APISettings) throws(RequestRejection) {
        var parameters = QueryParameters(query, known: ["status", "cursor", "limit"])
        let known = WireStatus.allCases.map(\.rawValue).joined(separator: ", ")
        status = parameters.value("status", "one of \(known)") { WireStatus(rawValue: $0)?.taskStatus }
        before = parameters.value("cursor", "a next_cursor") { TaskID($0) }
        limit = parameters.limit(settings)
        try parameters.check()
    }
}
