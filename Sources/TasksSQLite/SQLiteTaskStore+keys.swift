import Foundation
import GRDB
package import Tasks

extension SQLiteTaskStore: KeyStore {
    package func add(
        _ key: AccessKey,
        idempotency: NewTask.Idempotency?,
        of tenant: TenantID,
        limit: Int
    ) async throws(TaskStoreError) -> (key: AccessKey, isNew: Bool) {
        // Whatever the fingerprint, it is none of a task's.
        let idempotency = idempotency.map { NewTask.Idempotency(key: $0.key, fingerprint: "key:\($0.fingerprint)") }
        let added = try await commits.perform { write in
            if let idempotency, let subject = try write.subject(of: idempotency, of: tenant),
                let known = try write.key(KeyID(rawValue: String(decoding: subject, as: UTF8.self)))
            {
                return Added(key: known, isNew: false)
            }
            let count = try write.row("SELECT COUNT(*) FROM access_keys", [])
            guard (count?[0] ?? 0) < limit else { throw TaskStoreError.tooManyKeys(limit: limit) }
            try write.insert(key)
            if let idempotency {
                // Ids of keys have twelve bytes: what has sixteen is taken for the id of a task.
                try write.remember(idempotency, of: tenant, for: Data(key.id.rawValue.utf8))
            }
            return Added(key: key, isNew: true)
        }
        return (added.key, added.isNew)
    }

    package func keys() async throws(TaskStoreError) -> [AccessKey] {
        try await read { db in
            try Row.fetchAll(db.cachedStatement(sql: "\(KeyRow.select) ORDER BY number DESC")).map(KeyRow.key)
        }
    }

    package func change(_ id: KeyID, _ change: KeyChange) async throws(TaskStoreError) -> AccessKey? {
        try await commits.perform { write in
            guard let key = try write.key(id)?.after(change, at: write.now) else { return nil }
            try write.update(key)
            return key
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

extension Write {
    fileprivate func key(_ id: KeyID) throws -> AccessKey? {
        try row("\(KeyRow.select) WHERE id = ?", [id.rawValue]).map(KeyRow.key)
    }

    fileprivate func insert(_ key: AccessKey) throws {
        try execute(
            """
            INSERT INTO access_keys (
                id, tenant, created_at,
                name, scopes, max_priority, weight, limits, expires_at, revoked_at, secrets, callback_secrets
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [key.id.rawValue, key.tenant.rawValue, key.createdAt.milliseconds] + KeyRow.changeable(of: key)
        )
        effects.hasChangedKeys = true
    }

    fileprivate func update(_ key: AccessKey) throws {
        try execute(
            """
            UPDATE access_keys SET name = ?, scopes = ?, max_priority = ?, weight = ?, limits = ?, expires_at = ?,
                revoked_at = ?, secrets = ?, callback_secrets = ?
            WHERE id = ?
            """,
            KeyRow.changeable(of: key) + [key.id.rawValue]
        )
        effects.hasChangedKeys = true
    }
}
