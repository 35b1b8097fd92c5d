import GRDB
import Tasks

/// A delivery with the columns that never leave the store.
struct DeliveryRow {
    var delivery: Delivery
    /// Taken by a sender, until `delivery.nextAttemptAt`.
    var isUnderWay: Bool
    /// A later event of the task took its place while it was under way.
    var isOutdated: Bool
    var fence: Int64

    /// In the order of the initializer's indices.
    static let columns = """
        d.number, d.tenant, d.task_id, d.event, d.url, d.receiver, d.origin, d.status, d.attempts, d.last_response, \
        d.failure_code, d.failure_message, d.created_at, d.next_attempt_at, d.ended_at, d.is_under_way, d.is_outdated, \
        d.fence
        """

    /// Reads a row whose `columns` start at an offset.
    init(row: Row, offset: Int = 0) throws {
        guard let event = CallbackEvent(rawValue: row[offset + 3]) else { throw DamagedRow(column: "event") }
        guard let status = DeliveryStatus(rawValue: row[offset + 7]) else { throw DamagedRow(column: "status") }
        delivery = Delivery(
            id: DeliveryID(task: try taskID(row[offset + 2]), number: row[offset]),
            tenant: TenantID(rawValue: row[offset + 1]),
            event: event,
            url: CallbackURL(stored: row[offset + 4], receiver: row[offset + 5]),
            origin: row[offset + 6],
            status: status,
            attempts: row[offset + 8],
            lastResponse: row[offset + 9],
            failure: (row[offset + 10] as String?).map { TaskFailure(code: $0, message: row[offset + 11] ?? "") },
            createdAt: Timestamp(milliseconds: row[offset + 12]),
            nextAttemptAt: (row[offset + 13] as Int64?).map(Timestamp.init(milliseconds:)),
            endedAt: (row[offset + 14] as Int64?).map(Timestamp.init(milliseconds:))
        )
        isUnderWay = row[offset + 15]
        isOutdated = row[offset + 16]
        fence = row[offset + 17]
    }
}
