import GRDB
package import Tasks

extension SQLiteTaskStore: DeliveryStore {
    package func claimDeliveries(_ claim: DeliveryClaim) async throws(TaskStoreError) -> [ClaimedDelivery] {
        try await commits.perform { try $0.claim(claim) }
    }

    package func conclude(
        _ delivery: ClaimedDelivery,
        with outcome: DeliveryOutcome
    ) async throws(TaskStoreError) {
        try await commits.perform { write in
            var row = try write.held(delivery)
            switch outcome {
            case .delivered(let response):
                row.delivery.lastResponse = response
                row.delivery.failure = nil
                try write.end(&row, as: .delivered)
            case .dead(let response, let failure):
                row.note(response, failure)
                try write.end(&row, as: .dead)
            case .retry(_, let response, let failure) where row.isOutdated:
                row.note(response, failure)
                try write.end(&row, as: .superseded)
            case .retry(let delay, let response, let failure):
                row.note(response, failure)
                row.isUnderWay = false
                row.delivery.nextAttemptAt = write.now.advanced(by: delay)
                try write.write(row)
            }
        }
    }

    package func nextDelivery() async throws(TaskStoreError) -> Timestamp? {
        try await read { db in
            try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT MIN(waits_since) FROM delivery_receivers")
            ).map(Timestamp.init(milliseconds:))
        }
    }

    package func newDeliveries() -> AsyncStream<Void> {
        signs.deliveries.stream()
    }

    package func deliveries(matching query: DeliveryQuery) async throws(TaskStoreError) -> DeliveryPage {
        let limit = max(1, query.limit)
        // One more than asked for tells whether there is a next page.
        var deliveries = try await read { db in
            // Of one task there are few, whatever their status.
            let index = query.task == nil ? "" : "INDEXED BY deliveries_task"
            var sql = "SELECT \(DeliveryRow.columns) FROM deliveries d \(index) WHERE TRUE"
            var arguments: StatementArguments = []
            if let tenant = query.tenant {
                sql += " AND d.tenant = ?"
                arguments += [tenant.rawValue]
            }
            if let status = query.status {
                sql += " AND d.status = ?"
                arguments += [status.rawValue]
            }
            if let task = query.task {
                sql += " AND d.task_id = ?"
                arguments += [task.bytes]
            }
            if let before = query.before {
                sql += " AND d.number < ?"
                arguments += [before]
            }
            sql += " ORDER BY d.number DESC LIMIT ?"
            arguments += [limit + 1]
            return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
                .map { try DeliveryRow(row: $0).delivery }
        }
        let hasMore = deliveries.count > limit
        if hasMore { deliveries.removeLast() }
        return DeliveryPage(deliveries: deliveries, next: hasMore ? deliveries.last?.id.number : nil)
    }

    package func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(TaskStoreError) -> Delivery? {
        try await commits.perform { write in
            guard var row = try write.delivery(id, of: tenant) else { return nil }
            guard row.delivery.status != .pending else { return row.delivery }
            row.delivery.status = .pending
            row.delivery.attempts = 0
            row.delivery.nextAttemptAt = write.now
            row.delivery.endedAt = nil
            try write.write(row)
            return row.delivery
        }
    }

    /// Makes due what a previous process had under way: nobody can be sending it any more.
    func releaseDeliveries() async throws(TaskStoreError) {
        try await commits.perform { try $0.releaseDeliveries() }
    }
}

extension DeliveryRow {
    /// Takes over what an attempt that did not succeed has found.
    fileprivate mutating func note(_ response: Int?, _ failure: TaskFailure) {
        if let response { delivery.lastResponse = response }
        delivery.failure = failure
    }
}
