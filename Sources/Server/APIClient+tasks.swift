import Foundation

/// Lists, page by page.
extension APIClient {
    /// The largest page that is asked for.
    private static let pageSize = 100

    /// Which tasks to list.
    struct TaskListing: Equatable {
        /// Everybody's, for which the key must be an administrator's.
        var isEverybodys = false
        var status: String?
        var tenant: String?
        var limit: Int?
    }

    private struct TaskList: Decodable {
        var tasks: [Task]
    }

    private struct Health: Decodable {
        var version: String
    }

    /// The newest tasks, newest first, and the JSON object they came in.
    func tasks(_ listing: TaskListing) async throws(Failure) -> (tasks: [Task], body: Data) {
        var query: [URLQueryItem] = []
        if let status = listing.status { query.append(URLQueryItem(name: "status", value: status)) }
        if let tenant = listing.tenant { query.append(URLQueryItem(name: "tenant", value: tenant)) }
        let path = listing.isEverybodys ? "api/v1/admin/tasks" : "api/v1/tasks"
        let body = try await list("tasks", at: path, query, limit: listing.limit)
        return (try decode(body, as: TaskList.self).tasks, body)
    }

    /// The version of the server.
    func version() async throws(Failure) -> String {
        try decode(await send("GET", "healthz"), as: Health.self).version
    }

    /// Everything in a list that comes in pages, or as much of it as is wanted, as one JSON object.
    func list(
        _ name: String,
        at path: String,
        _ query: [URLQueryItem] = [],
        limit: Int? = nil
    ) async throws(Failure) -> Data {
        var entries: [Any] = []
        var cursor: String?
        repeat {
            let wanted = limit.map { min($0 - entries.count, Self.pageSize) } ?? Self.pageSize
            var items = query + [URLQueryItem(name: "limit", value: String(wanted))]
            if let cursor { items.append(URLQueryItem(name: "cursor", value: cursor)) }
            let body = try await send(Call(url: address(path, items)))
            let page = (try? JSONSerialization.jsonObject(with: body)) as? [String: Any]
            guard let page, let part = page[name] as? [Any] else {
                throw .unreachable("\(server.absoluteString) sent a list that cannot be read")
            }
            entries += part
            // A page without entries would lead on for ever.
            cursor = part.isEmpty ? nil : page["next_cursor"] as? String
        } while cursor != nil && entries.count < limit ?? .max
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        guard let list = try? JSONSerialization.data(withJSONObject: [name: entries], options: options) else {
            throw .unreachable("\(server.absoluteString) sent a list that cannot be read")
        }
        return list
    }
}
