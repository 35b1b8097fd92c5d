import Foundation
import Redis
package import Tasks

extension RedisTaskStore: KeyStore {
    package func add(
        _ key: AccessKey,
        idempotency: NewTask.Idempotency?,
        of tenant: TenantID,
        limit: Int
    ) async throws(TaskStoreError) -> (key: AccessKey, isNew: Bool) {
        // Whatever the fingerprint, it is none of a task's.
        let idempotency = idempotency.map { NewTask.Idempotency(key: $0.key, fingerprint: "key:\($0.fingerprint)") }
        let added = try await perform { transaction in
            let name = Names.idempotency(idempotency?.key ?? "", of: tenant)
            let replies = try await transaction.database.look([
                .next(Names.keyNumber), .count(Names.keys), .record(Names.key(key.id)), .record(name),
            ])
            guard let number = replies[0].integer else { throw DamagedRecord.form }
            if let idempotency, let subject = try transaction.subject(of: idempotency, of: tenant, replies[3]) {
                let id = KeyID(rawValue: String(decoding: subject, as: UTF8.self))
                if let known = try await transaction.record(KeyRecord.self, Names.key(id)) {
                    return Added(key: known.key, isNew: false)
                }
            }
            guard (replies[1].integer ?? 0) < limit else { throw TaskStoreError.tooManyKeys(limit: limit) }
            transaction.requireRoom(in: Names.keys, below: limit)
            guard try transaction.note(KeyRecord.self, Names.key(key.id), replies[2]) == nil else {
                throw TaskStoreError.unavailable("a key of this id is there already")
            }
            transaction.write(KeyRecord(key: key, number: number))
            transaction.log.hasChangedKeys = true
            if let idempotency {
                // Ids of keys have twelve bytes: what has sixteen is taken for the id of a task.
                transaction.remember(idempotency, of: tenant, for: Bytes(key.id.rawValue.utf8))
            }
            return Added(key: key, isNew: true)
        }
        return (added.key, added.isNew)
    }

    package func keys() async throws(TaskStoreError) -> [AccessKey] {
        try await read {
            let range = ["+", "-"].map { Bytes($0.utf8) }
            let reply = try await self.database.read("ZREVRANGEBYLEX", [self.database.key(Names.keys)] + range)
            let names = (reply.array ?? []).compactMap { $0.bytes.map { Bytes("k:".utf8) + $0.dropFirst(8) } }
            let look = Transaction(self.database, now: self.clock.wallTime())
            let values = try await self.database.look(names.map { .record($0) })
            return try zip(names, values).compactMap { try look.note(KeyRecord.self, $0, $1)?.key }
        }
    }

    package func change(_ id: KeyID, _ change: KeyChange) async throws(TaskStoreError) -> AccessKey? {
        try await perform { transaction in
            guard var record = try await transaction.record(KeyRecord.self, Names.key(id)) else { return nil }
            record.key = record.key.after(change, at: transaction.now)
            transaction.write(record)
            transaction.log.hasChangedKeys = true
            return record.key
        }
    }

    package func keyChanges() -> AsyncStream<Void> {
        signs.keys.stream()
    }

    private struct Added: Sendable {
        var key: AccessKey
        var isNew: Bool
    }
}
