import Tasks

/// The query of `GET /api/v1/tasks`, and of the same for administrators.
struct TaskListQuery: Equatable {
    /// `nil`: it was not said, or cannot be.
    let tenant: TenantID?
    let status: TaskStatus?
    let before: TaskID?
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
            known: (takesTenant ? ["tenant"] : []) + ["status", "cursor", "limit"]
        )
        tenant = parameters.value("tenant", "the name of a tenant") { $0.isEmpty ? nil : TenantID(rawValue: $0) }
        let known = WireStatus.allCases.map(\.rawValue).joined(separator: ", ")
        status = parameters.value("status", "one of \(known)") { WireStatus(rawValue: $0)?.taskStatus }
        before = parameters.value("cursor", "a next_cursor") { TaskID($0) }
        limit = parameters.limit(settings)
        try parameters.check()
    }
}
