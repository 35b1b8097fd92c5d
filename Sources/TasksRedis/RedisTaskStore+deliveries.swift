import Foundation
import Redis
package import Tasks

extension RedisTaskStore: DeliveryStore {
    package func claimDeliveries(_ claim: DeliveryClaim) async throws(TaskStoreError) -> [ClaimedDelivery] {
        guard claim.limit > 0, claim.receiverLimit > 0 else { return [] }
        return try await perform { try await DeliveryRound($0, claim).take() }
    }

    package func conclude(
        _ delivery: ClaimedDelivery,
        with outcome: DeliveryOutcome
    ) async throws(TaskStoreError) {
        try await perform { transaction in
            let found = try await transaction.delivery(delivery.delivery.id.number, withTask: ())
            guard var row = found?.delivery, var task = found?.task, row.fence == delivery.fence,
                row.delivery.status == .pending, row.isUnderWay
            else { throw TaskStoreError.leaseLost }
            switch outcome {
            case .delivered(let response):
                row.delivery.lastResponse = response
                row.delivery.failure = nil
                transaction.end(&row, as: .delivered, of: &task)
            case .dead(let response, let failure):
                row.note(response, failure)
                transaction.end(&row, as: .dead, of: &task)
            case .retry(_, let response, let failure) where row.isOutdated:
                row.note(response, failure)
                transaction.end(&row, as: .superseded, of: &task)
            case .retry(let delay, let response, let failure):
                row.note(response, failure)
                row.isUnderWay = false
                row.delivery.nextAttemptAt = transaction.now.advanced(by: delay)
                transaction.write(row)
                transaction.settle(row.delivery.url.receiver)
            }
            try await transaction.lineUp(task)
            transaction.write(task)
        }
    }

    package func nextDelivery() async throws(TaskStoreError) -> Timestamp? {
        try await read {
            let range = ["0", "0", "WITHSCORES"].map { Bytes($0.utf8) }
            let reply = try await self.database.read("ZRANGE", [self.database.key(Names.receivers)] + range)
            guard let score = reply.array?.last?.text.flatMap(Double.init) else { return nil }
            return Timestamp(milliseconds: Int64(score))
        }
    }

    package func newDeliveries() -> AsyncStream<Void> {
        signs.deliveries.stream()
    }

    package func deliveries(matching query: DeliveryQuery) async throws(TaskStoreError) -> DeliveryPage {
        let limit = max(1, query.limit)
        let statuses = query.status.map { [$0] } ?? DeliveryStatus.allCases
        // Of one task there are few, whatever their status and whoever asks.
        let sets =
            query.task.map { [Names.deliveries(of: $0)] }
            ?? statuses.map { status in
                query.tenant.map { Names.deliveries(of: $0, status) } ?? Names.deliveries(status)
            }
        return try await read {
            var (found, beyond): ([Delivery], Bytes?) = ([], query.before?.bytes)
            // One more than asked for tells whether there is a next page.
            while found.count <= limit {
                let members = try await self.page(of: sets, beyond: beyond, limit: limit + 1, isAscending: false)
                let look = Transaction(self.database, now: self.clock.wallTime())
                let names = members.map { Bytes("d:".utf8) + $0 }
                let values = try await self.database.look(names.map { .record($0) })
                found += try zip(names, values).compactMap { try look.note(DeliveryRecord.self, $0, $1)?.delivery }
                    .filter { delivery in
                        (query.tenant == nil || delivery.tenant == query.tenant)
                            && (query.status == nil || delivery.status == query.status)
                    }
                guard members.count > limit else { break }
                beyond = members.last
            }
            let page = Array(found.prefix(limit))
            return DeliveryPage(deliveries: page, next: found.count > limit ? page.last?.id.number : nil)
        }
    }

    package func redeliver(_ id: DeliveryID, of tenant: TenantID) async throws(TaskStoreError) -> Delivery? {
        try await perform { transaction in
            guard let found = try await transaction.delivery(id.number, withTask: ()),
                found.delivery.delivery.id == id, found.delivery.delivery.tenant == tenant
            else { return nil }
            var (row, task) = found
            guard row.delivery.status != .pending else { return row.delivery }
            row.delivery.status = .pending
            row.delivery.attempts = 0
            row.delivery.nextAttemptAt = transaction.now
            row.delivery.endedAt = nil
            transaction.write(row)
            task.pending = (task.pending + [row.number]).sorted()
            transaction.settle(row.delivery.url.receiver)
            try await transaction.lineUp(task)
            transaction.write(task)
            return row.delivery
        }
    }
}

extension Transaction {
    /// A delivery and its task.
    func delivery(
        _ number: Int64,
        withTask: Void
    ) async throws -> (delivery: DeliveryRecord, task: TaskRecord)? {
        guard let parts = try await database.look([.delivery(number)])[0].array, parts.count == 3 else {
            throw DamagedRecord.form
        }
        guard let row = try note(DeliveryRecord.self, Names.delivery(number), parts[0]) else { return nil }
        guard let task = try note(TaskRecord.self, Names.task(row.delivery.id.task), parts[1]) else {
            throw DamagedRecord(reason: "a delivery has no task")
        }
        return (row, task)
    }
}
