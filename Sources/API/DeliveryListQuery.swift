import Tasks

/// The query of `GET /api/v1/deliveries`.
struct DeliveryListQuery: Equatable {
    let status: DeliveryStatus?
    let task: TaskID?
    let before: Int64?
    let limit: Int

    /// Reads the part of an address after the question mark.
    ///
    /// - Throws: every violation at once.
    init(_ query: Substring, settings: APISettings) throws(RequestRejection) {
        var parameters = QueryParameters(query, known: ["status", "task_id", "cursor", "limit"])
        let known = DeliveryStatus.allCases.map { $0.rawValue.uppercased() }.joined(separator: ", ")
        status = parameters.value("status", "one of \(known)") { text in
            DeliveryStatus.allCases.first { $0.rawValue.uppercased() == text }
        }
        task = parameters.value("task_id", "the id of a task") { TaskID($0) }
        before = parameters.value("cursor", "a next_cursor") { text in Int64(text).flatMap { $0 > 0 ? $0 : nil } }
        limit = parameters.limit(settings)
        try parameters.check()
    }
}
