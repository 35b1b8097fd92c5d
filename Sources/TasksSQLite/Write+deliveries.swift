import Foundation
import GRDB
import Tasks

/// The outbox of callbacks: how deliveries come into being and end.
///
/// What is pending of a task is looked up by the index that is made for it, by name: SQLite guesses that few deliveries
/// have one status, and would read all that are pending.
extension Write {
    /// The events that a later one takes the place of, as a list for SQL.
    private static let news = CallbackEvent.allCases.filter { !$0.isEnd }.map { "'\($0.rawValue)'" }
        .joined(separator: ", ")

    private static let pending = "deliveries INDEXED BY deliveries_pending"

    /// Stores a delivery at the end of its task's line.
    func insertDelivery(of event: CallbackEvent, of task: GenerationTask, to callback: Callback) throws {
        if callback.events.contains(where: { !$0.isEnd }) { try supersedeNews(of: task.id, task.tenant) }
        try execute(
            """
            INSERT INTO deliveries (
                tenant, task_id, event, url, receiver, origin, status, is_behind, created_at, next_attempt_at
            ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending',
                EXISTS (SELECT 1 FROM \(Self.pending) WHERE tenant = ?1 AND task_id = ?2 AND status = 'pending'), ?7, ?7)
            """,
            [
                task.tenant.rawValue, task.id.bytes, event.rawValue, callback.url.text, callback.url.receiver,
                callback.origin, now.milliseconds,
            ]
        )
        touchedReceivers.insert(callback.url.receiver)
        effects.hasNewDeliveries = true
    }

    /// Whether a task's progress may be delivered again.
    func isProgressDue(of task: GenerationTask) throws -> Bool {
        let last = try row(
            """
            SELECT status, created_at FROM deliveries WHERE tenant = ? AND task_id = ? AND event = ?
            ORDER BY number DESC LIMIT 1
            """,
            [task.tenant.rawValue, task.id.bytes, CallbackEvent.progress.rawValue]
        )
        guard let last else { return true }
        let createdAt = Timestamp(milliseconds: last[1])
        return last[0] != DeliveryStatus.pending.rawValue
            && createdAt.advanced(by: CallbackEvent.progressInterval) <= now
    }

    /// Ends news of a task that waits; what is under way ends with its attempt.
    private func supersedeNews(of task: TaskID, _ tenant: TenantID) throws {
        let pendingNews = "tenant = ? AND task_id = ? AND status = 'pending' AND event IN (\(Self.news))"
        let isWithSender = "is_under_way = 1 AND next_attempt_at > ?"
        try execute(
            "UPDATE \(Self.pending) SET is_outdated = 1 WHERE \(pendingNews) AND \(isWithSender)",
            [tenant.rawValue, task.bytes, now.milliseconds]
        )
        let ended = try execute(
            """
            UPDATE \(Self.pending) SET status = 'superseded', ended_at = ?, next_attempt_at = NULL, is_behind = 0,
                is_under_way = 0, is_outdated = 0
            WHERE \(pendingNews) AND NOT (\(isWithSender))
            """,
            [now.milliseconds, tenant.rawValue, task.bytes, now.milliseconds]
        )
        if ended > 0 { try lineUp(task, tenant) }
    }

    /// Removes what would tell of a success that was none.
    func dropNewsOfSuccess(of task: GenerationTask) throws {
        guard let callback = task.callback else { return }
        try execute(
            "DELETE FROM \(Self.pending) WHERE tenant = ? AND task_id = ? AND status = 'pending' AND event = ?",
            [task.tenant.rawValue, task.id.bytes, CallbackEvent.succeeded.rawValue]
        )
        try lineUp(task.id, task.tenant)
        touchedReceivers.insert(callback.url.receiver)
    }

    // MARK: Attempts

    /// The delivery of a claim.
    ///
    /// - Throws: `leaseLost` unless it was not claimed or ended since.
    func held(_ claimed: ClaimedDelivery) throws -> DeliveryRow {
        let found = try row(
            """
            SELECT \(DeliveryRow.columns) FROM deliveries d
            WHERE d.number = ? AND d.fence = ? AND d.status = 'pending' AND d.is_under_way = 1
            """,
            [claimed.delivery.id.number, claimed.fence]
        )
        guard let found else { throw TaskStoreError.leaseLost }
        return try DeliveryRow(row: found)
    }

    /// A tenant's delivery.
    func delivery(_ id: DeliveryID, of tenant: TenantID) throws -> DeliveryRow? {
        try row(
            "SELECT \(DeliveryRow.columns) FROM deliveries d WHERE d.number = ? AND d.tenant = ? AND d.task_id = ?",
            [id.number, tenant.rawValue, id.task.bytes]
        ).map { try DeliveryRow(row: $0) }
    }

    /// Ends a delivery; the next one of its task may be sent.
    func end(_ row: inout DeliveryRow, as status: DeliveryStatus) throws {
        row.delivery.status = status
        row.delivery.nextAttemptAt = nil
        row.delivery.endedAt = now
        row.isUnderWay = false
        row.isOutdated = false
        try write(row)
    }

    /// Writes every column of a delivery that ever changes, and brings its task's line into order.
    func write(_ row: DeliveryRow) throws {
        let delivery = row.delivery
        try execute(
            """
            UPDATE deliveries SET status = ?, is_behind = 0, is_under_way = ?, is_outdated = ?, attempts = ?, fence = ?,
                last_response = ?, failure_code = ?, failure_message = ?, next_attempt_at = ?, ended_at = ?
            WHERE number = ?
            """,
            [
                delivery.status.rawValue, row.isUnderWay, row.isOutdated, delivery.attempts, row.fence,
                delivery.lastResponse, delivery.failure?.code, delivery.failure?.message,
                delivery.nextAttemptAt?.milliseconds, delivery.endedAt?.milliseconds, delivery.id.number,
            ]
        )
        let pending = try lineUp(delivery.id.task, delivery.tenant)
        touchedReceivers.insert(delivery.url.receiver)
        if pending > 0 { effects.hasNewDeliveries = true }
    }

    /// Lets the first pending delivery of a task be sent, and no other.
    ///
    /// - Returns: how many are pending.
    @discardableResult
    private func lineUp(_ task: TaskID, _ tenant: TenantID) throws -> Int {
        try execute(
            """
            UPDATE \(Self.pending) SET is_behind = number > (
                SELECT MIN(number) FROM \(Self.pending) WHERE tenant = ?1 AND task_id = ?2 AND status = 'pending')
            WHERE tenant = ?1 AND task_id = ?2 AND status = 'pending'
            """,
            [tenant.rawValue, task.bytes]
        )
    }

    // MARK: Receivers

    /// Lets each receiver wait for its turn from when its first delivery became due, or from when it was last served.
    ///
    /// Once a transaction, and before a claim in it.
    func settleReceivers() throws {
        for receiver in touchedReceivers {
            let first = try row(
                """
                SELECT MIN(next_attempt_at) FROM deliveries
                WHERE receiver = ? AND status = 'pending' AND is_behind = 0
                """,
                [receiver]
            )
            if let due = first?[0] as Int64? {
                try execute(
                    """
                    INSERT INTO delivery_receivers (receiver, waits_since) VALUES (?1, ?2)
                    ON CONFLICT (receiver) DO UPDATE SET waits_since = MAX(?2, served_at)
                    """,
                    [receiver, due]
                )
            } else {
                try execute("DELETE FROM delivery_receivers WHERE receiver = ?", [receiver])
            }
        }
        touchedReceivers = []
    }
}
