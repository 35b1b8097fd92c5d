import Tasks

/// The query of `GET /api/v1/deliveries`, and of the same for administrators.
struct DeliveryListQuery: Equatable {
    /// `nil`: it was not said, or cannot be.
    let tenant: TenantID?
    let status: DeliveryStatus?
    let task: TaskID?
    let before: Int64?
    let limit: Int

    /// Reads the part of an address after the question mark.
    ///
    /// - Parameters:
    ///   - query: as it was sent.
    ///   - settings: sizes of pages.
    ///   - takesTenant: whether there is a parameter `tenant`.
    /// - Throws: every violation at once.
    init(_ query: Substring, settings: APISettings, takesTenant: Bool = false) throws(RequestRejection) {
        var parameters = QueryParameters(
            query,
            known: (takesTenant ? ["tenant"] : []) + ["status", "task_id", "cursor", "limit"]
        )
        tenant = parameters.value("tenant", "the name of a tenant") { $0.isEmpty ? nil : TenantID(rawValue: $0) }
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
