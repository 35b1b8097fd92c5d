import GRDB
import Tasks

/// Which deliveries a sender gets.
extension Write {
    /// Takes deliveries in rounds, one from each receiver that has the fewest under way, in turn.
    ///
    /// Looks at no more receivers than it may need: those that are at their limit, and one for each place.
    func claim(_ claim: DeliveryClaim) throws -> [ClaimedDelivery] {
        try settleReceivers()
        let deadline = now.advanced(by: claim.duration)
        var claimed: [ClaimedDelivery] = []
        var served: Set<String> = []
        var waiting = try rows(
            "SELECT receiver FROM delivery_receivers WHERE waits_since <= ? ORDER BY waits_since, receiver LIMIT ?",
            [now.milliseconds, max(0, claim.limit) + claim.underWay.count]
        ).map { (receiver: $0[0] as String, underWay: claim.underWay[$0[0], default: 0]) }
        var round = waiting.map(\.underWay).min() ?? claim.receiverLimit
        while round < claim.receiverLimit, claimed.count < claim.limit, !waiting.isEmpty {
            var stillWaiting: [(receiver: String, underWay: Int)] = []
            for entry in waiting {
                guard entry.underWay <= round, claimed.count < claim.limit else {
                    stillWaiting.append(entry)
                    continue
                }
                guard let next = try claimNext(for: entry.receiver, until: deadline) else { continue }
                claimed.append(next)
                served.insert(entry.receiver)
                stillWaiting.append(entry)
            }
            waiting = stillWaiting
            round += 1
        }
        for receiver in served {
            // It goes to the end of the line of receivers.
            try execute(
                "UPDATE delivery_receivers SET served_at = ? WHERE receiver = ?",
                [now.milliseconds, receiver]
            )
            touchedReceivers.insert(receiver)
        }
        return claimed
    }

    /// Takes the delivery to a receiver that has been due for longest.
    private func claimNext(for receiver: String, until deadline: Timestamp) throws -> ClaimedDelivery? {
        while let found = try firstDue(for: receiver) {
            var row = try DeliveryRow(row: found, offset: GenerationRow.columnCount + TaskRow.columnCount)
            guard !row.isOutdated else {
                // Its sender is gone, and so is the reason to send it.
                try end(&row, as: .superseded)
                continue
            }
            row.isUnderWay = true
            row.fence += 1
            row.delivery.attempts += 1
            row.delivery.nextAttemptAt = deadline
            try execute(
                "UPDATE deliveries SET is_under_way = 1, fence = ?, attempts = ?, next_attempt_at = ? WHERE number = ?",
                [row.fence, row.delivery.attempts, deadline.milliseconds, row.delivery.id.number]
            )
            return ClaimedDelivery(delivery: row.delivery, task: try TaskRow.task(found), fence: row.fence)
        }
        return nil
    }

    private func firstDue(for receiver: String) throws -> Row? {
        try row(
            """
            SELECT \(GenerationRow.columns), \(TaskRow.columns), \(DeliveryRow.columns) FROM deliveries d
            CROSS JOIN tasks t ON t.tenant = d.tenant AND t.id = d.task_id
            CROSS JOIN generations g ON g.id = t.generation_id
            WHERE d.receiver = ? AND d.status = 'pending' AND d.is_behind = 0 AND d.next_attempt_at <= ?
            ORDER BY d.next_attempt_at, d.number LIMIT 1
            """,
            [receiver, now.milliseconds]
        )
    }

    /// Makes every delivery due that is under way.
    func releaseDeliveries() throws {
        for row in try rows("SELECT DISTINCT receiver FROM deliveries WHERE is_under_way = 1", []) {
            touchedReceivers.insert(row[0])
        }
        try execute(
            "UPDATE deliveries SET is_under_way = 0, next_attempt_at = ? WHERE is_under_way = 1",
            [now.milliseconds]
        )
    }
}
