import Foundation
import Redis
package import Tasks

extension RedisTaskStore {
    /// Seconds of device time are known for so many days.
    private static let daysOfUsage: Int64 = 90
    /// How many generations are looked at for each that may be removed: many that might be unused are not.
    private static let looksForEach = 10

    package func purge(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        // Each is complete in itself: what is left behind by one that fails is found by the next purge.
        var removed = try await purgeTasks(retention, limit: limit)
        removed += try await purgeGenerations(limit: limit)
        removed += try await purgeEvents(retention, limit: limit)
        removed += try await purgeIdempotencyKeys(retention, limit: limit)
        removed += try await purgeDeliveries(retention, limit: limit)
        removed += try await purgeUsage(limit: limit)
        return removed
    }

    /// What is not younger than this is removed; `nil` if everything is kept.
    ///
    /// What belongs to a task is not kept longer than tasks are: it is never younger than the end of its task.
    private func end(of age: Duration?, orOf taskAge: Duration?, at now: Timestamp) -> Int64? {
        [age, taskAge].compactMap(\.self).min().map { now.advanced(by: .zero - $0).milliseconds }
    }

    /// The first members of an index, up to a score.
    private func first(of index: Bytes, upTo score: Int64?, limit: Int) async throws -> [Bytes] {
        guard limit > 0 else { return [] }
        let range = ["-inf", score.map { "\($0)" } ?? "+inf", "LIMIT", "0", "\(limit)"].map { Bytes($0.utf8) }
        return try await database.read("ZRANGEBYSCORE", [database.key(index)] + range).array?.compactMap(\.bytes) ?? []
    }

    /// Removes tasks of which nothing is to be delivered: those that were taken out of sight, and those that have been
    /// over for long enough, the first to end first.
    private func purgeTasks(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            let end = self.end(of: retention.tasks, orOf: nil, at: transaction.now)
            var members = try await self.first(of: Names.removed, upTo: nil, limit: limit)
            if let end {
                members += try await self.first(of: Names.finished, upTo: end, limit: limit - members.count)
            }
            var removed = 0
            for member in members where removed < limit {
                guard let id = TaskID(bytes: Data(member)) else { throw DamagedRecord.short }
                removed += try await transaction.purge(id, endedBy: end)
            }
            return removed
        }
    }

    /// Removes generations that no task has and that answer nothing.
    private func purgeGenerations(limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            let members = try await self.first(of: Names.unused, upTo: nil, limit: limit * Self.looksForEach)
            let ids = members.compactMap { GenerationID(bytes: $0) }
            let values = try await transaction.database.look(
                ids.flatMap { [.record(Names.generation($0)), .field(Names.uses, $0.bytes)] }
            )
            var removed = 0
            for (index, id) in ids.enumerated() where removed < limit {
                transaction.remove(id.bytes, from: Names.unused)
                let name = Names.generation(id)
                guard let record = try transaction.note(GenerationRecord.self, name, values[2 * index]),
                    !record.row.isAnswer, (values[2 * index + 1].integer ?? 0) == 0
                else { continue }
                transaction.requireField(Names.uses, id.bytes, [])
                transaction.delete(name)
                removed += 1
            }
            return removed
        }
    }

    /// Removes old events, of removed tasks in any case.
    ///
    /// Events come in the order of time, so that the first ones are the oldest.
    private func purgeEvents(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            guard let end = self.end(of: retention.events, orOf: retention.tasks, at: transaction.now) else { return 0 }
            // Mostly not even the first is old enough.
            guard let first = try await self.storedEvents(after: 0, limit: 1).first, first.at.milliseconds <= end else {
                return 0
            }
            let old = try await self.storedEvents(after: 0, limit: limit).prefix { $0.at.milliseconds <= end }
            guard let last = old.last else { return 0 }
            transaction.trimEvents(through: last.sequence)
            return old.count
        }
    }

    /// Removes old idempotency keys, of removed tasks in any case.
    private func purgeIdempotencyKeys(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            guard
                let end = self.end(of: retention.idempotencyKeys, orOf: retention.tasks, at: transaction.now)
            else { return 0 }
            let names = try await self.first(of: Names.idempotencyAges, upTo: end, limit: limit)
                .map { Bytes("i:".utf8) + $0 }
            let values = try await transaction.database.look(names.map { .record($0) })
            var removed = 0
            for (name, value) in zip(names, values) {
                guard let record = try transaction.note(IdempotencyRecord.self, name, value),
                    record.createdAt.milliseconds <= end
                else { continue }
                transaction.delete(name)
                removed += 1
            }
            return removed
        }
    }

    /// Removes deliveries that have ended long ago.
    private func purgeDeliveries(_ retention: Retention, limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            guard let end = self.end(of: retention.deliveries, orOf: nil, at: transaction.now) else { return 0 }
            let names = try await self.first(of: Names.endedDeliveries, upTo: end, limit: limit)
                .map { Bytes("d:".utf8) + $0 }
            let values = try await transaction.database.look(names.map { .record($0) })
            var removed = 0
            for (name, value) in zip(names, values) {
                guard let record = try transaction.note(DeliveryRecord.self, name, value),
                    let endedAt = record.delivery.endedAt, endedAt.milliseconds <= end
                else { continue }
                transaction.delete(name)
                removed += 1
            }
            return removed
        }
    }

    /// Removes what tenants have had long ago, day by day.
    private func purgeUsage(limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            let days = try await self.first(
                of: Names.usageDays,
                upTo: transaction.now.day - Self.daysOfUsage - 1,
                limit: 1
            )
            guard let member = days.first, let day = GenerationID(bytes: member)?.rawValue else { return 0 }
            let count = try await self.database.read("HLEN", [self.database.key(Names.usage(day))]).integer ?? 0
            transaction.removeKey(Names.usage(day))
            transaction.remove(member, from: Names.usageDays)
            return Int(clamping: count)
        }
    }
}

extension Transaction {
    /// Removes a task that still is as it was when it was found, with its deliveries.
    ///
    /// - Returns: how many records that were.
    fileprivate func purge(_ id: TaskID, endedBy end: Int64?) async throws -> Int {
        guard let task = try await record(TaskRecord.self, Names.task(id)), task.pending.isEmpty,
            task.removedAt != nil || (task.finishedAt.map { $0.milliseconds <= end ?? .min } ?? false)
        else { return 0 }
        var removed = 1
        if task.callback != nil {
            let range = [Bytes("0".utf8), Bytes("-1".utf8)]
            let reply = try await database.read("ZRANGE", [database.key(Names.deliveries(of: id))] + range)
            for member in (reply.array ?? []).compactMap(\.bytes) {
                let name = Bytes("d:".utf8) + member
                guard try await record(DeliveryRecord.self, name) != nil else { continue }
                delete(name)
                removed += 1
            }
        }
        if task.removedAt != nil {
            for event in task.events { removeEvent(event.sequence) }
            removed += task.events.count
        }
        delete(task.name)
        noteIfUnused(task.generation)
        log.tasks.append(id)
        return removed
    }

    /// Removes events up to one.
    fileprivate func trimEvents(through sequence: Int64) {
        trim(Names.events, below: sequence + 1)
        replaceValue(Names.eventsGone, with: sequence)
    }
}
