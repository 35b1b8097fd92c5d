import Foundation
import Tasks

/// A key as it is kept.
struct KeyRecord: StoredRecord {
    var key: AccessKey
    /// Rises with the order of creation.
    var number: Int64

    var name: Bytes { Names.key(key.id) }
    var indexes: Set<IndexEntry> { [.scored(Names.keys, number.bytes + Bytes(key.id.rawValue.utf8), 0)] }

    init(key: AccessKey, number: Int64) {
        self.key = key
        self.number = number
    }

    init(named name: Bytes, _ reader: inout RecordReader) throws {
        number = try reader.int64()
        key = AccessKey(
            id: KeyID(rawValue: String(decoding: name.dropFirst(2), as: UTF8.self)),
            name: try reader.string(),
            tenant: TenantID(rawValue: try reader.string()),
            scopes: Set(try reader.array { try $0.named(Scope.self) }),
            maxPriority: try reader.named(TaskPriority.self),
            weight: try reader.double(),
            limits: try reader.limits(),
            createdAt: try reader.timestamp(),
            expiresAt: try reader.optionalTimestamp(),
            revokedAt: try reader.optionalTimestamp(),
            secrets: try reader.array { reader in
                AccessKey.Secret(hash: Data(try reader.data()), validUntil: try reader.optionalTimestamp())
            },
            callbackSecrets: try reader.array { try $0.string() }
        )
    }

    func write(_ writer: inout RecordWriter) {
        writer.put(number)
        writer.put(key.name)
        writer.put(key.tenant.rawValue)
        writer.put(key.scopes.map(\.rawValue).sorted()) { $0.put($1) }
        writer.put(key.maxPriority.rawValue)
        writer.put(key.weight)
        writer.put(key.limits)
        writer.put(key.createdAt)
        writer.put(key.expiresAt)
        writer.put(key.revokedAt)
        writer.put(key.secrets) { writer, secret in
            writer.put(Bytes(secret.hash))
            writer.put(secret.validUntil)
        }
        writer.put(key.callbackSecrets) { $0.put($1) }
    }
}

extension RecordReader {
    fileprivate mutating func limits() throws -> KeyLimits {
        KeyLimits(
            requests: try optional { RateLimit(perSecond: try $0.double(), burst: try $0.int()) },
            waitingTasks: try optionalInt(),
            runningTasks: try optionalInt(),
            deviceSecondsPerDay: try optional { try $0.double() },
            storageBytes: try optional { try $0.int64() }
        )
    }
}

extension RecordWriter {
    fileprivate mutating func put(_ limits: KeyLimits) {
        put(limits.requests) { writer, rate in
            writer.put(rate.perSecond)
            writer.put(rate.burst)
        }
        put(limits.waitingTasks)
        put(limits.runningTasks)
        put(limits.deviceSecondsPerDay) { $0.put($1) }
        put(limits.storageBytes)
    }
}
