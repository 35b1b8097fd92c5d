import Foundation
import GRDB
import Tasks

/// Keys as rows.
enum KeyRow {
    /// In the order of the indices below.
    static let columns = """
        id, name, tenant, scopes, max_priority, weight, limits, created_at, expires_at, revoked_at, secrets, \
        callback_secrets
        """

    /// Everything of a key.
    static let select = "SELECT \(columns) FROM access_keys"

    /// Reads a row of `select`.
    static func key(_ row: Row) throws -> AccessKey {
        guard let maxPriority = TaskPriority(rawValue: row[4]) else { throw DamagedRow(column: "max_priority") }
        return AccessKey(
            id: KeyID(rawValue: row[0]),
            name: row[1],
            tenant: TenantID(rawValue: row[2]),
            scopes: Set(
                try JSONColumn.read([String].self, row[3], "scopes").map { name in
                    guard let scope = Scope(rawValue: name) else { throw DamagedRow(column: "scopes") }
                    return scope
                }
            ),
            maxPriority: maxPriority,
            weight: row[5],
            limits: try JSONColumn.read(Limits.self, row[6], "limits").limits,
            createdAt: Timestamp(milliseconds: row[7]),
            expiresAt: (row[8] as Int64?).map(Timestamp.init(milliseconds:)),
            revokedAt: (row[9] as Int64?).map(Timestamp.init(milliseconds:)),
            secrets: try JSONColumn.read([Secret].self, row[10], "secrets").map(\.secret),
            callbackSecrets: try JSONColumn.read([String].self, row[11], "callback_secrets")
        )
    }

    /// What of a key ever changes, in the order of `name`, `scopes`, `max_priority`, `weight`, `limits`, `expires_at`,
    /// `revoked_at`, `secrets`, `callback_secrets`.
    static func changeable(of key: AccessKey) throws -> StatementArguments {
        [
            key.name, try JSONColumn.text(key.scopes.map(\.rawValue).sorted()), key.maxPriority.rawValue, key.weight,
            try JSONColumn.text(Limits(key.limits)), key.expiresAt?.milliseconds, key.revokedAt?.milliseconds,
            try JSONColumn.text(key.secrets.map(Secret.init)), try JSONColumn.text(key.callbackSecrets),
        ]
    }

    /// A secret as it is stored: its hash in base 64.
    private struct Secret: Codable {
        var hash: Data
        var validUntil: Int64?

        init(_ secret: AccessKey.Secret) {
            hash = secret.hash
            validUntil = secret.validUntil?.milliseconds
        }

        var secret: AccessKey.Secret {
            AccessKey.Secret(hash: hash, validUntil: validUntil.map(Timestamp.init(milliseconds:)))
        }
    }

    /// Limits as they are stored.
    private struct Limits: Codable {
        struct Rate: Codable {
            var perSecond: Double
            var burst: Int
        }

        var requests: Rate?
        var waitingTasks: Int?
        var runningTasks: Int?
        var deviceSecondsPerDay: Double?
        var storageBytes: Int64?

        init(_ limits: KeyLimits) {
            requests = limits.requests.map { Rate(perSecond: $0.perSecond, burst: $0.burst) }
            waitingTasks = limits.waitingTasks
            runningTasks = limits.runningTasks
            deviceSecondsPerDay = limits.deviceSecondsPerDay
            storageBytes = limits.storageBytes
        }

        var limits: KeyLimits {
            KeyLimits(
                requests: requests.map { RateLimit(perSecond: $0.perSecond, burst: $0.burst) },
                waitingTasks: waitingTasks,
                runningTasks: runningTasks,
                deviceSecondsPerDay: deviceSecondsPerDay,
                storageBytes: storageBytes
            )
        }
    }
}

/// Values in one column, as JSON.
private enum JSONColumn {
    private static let encoder = JSONEncoder()
    private static let decoder = JSONDecoder()

    static func text(_ value: some Encodable) throws -> String {
        String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func read<Value: Decodable>(_ type: Value.Type, _ text: String, _ column: String) throws -> Value {
        do {
            return try decoder.decode(type, from: Data(text.utf8))
        } catch {
            throw DamagedRow(column: column)
        }
    }
}
