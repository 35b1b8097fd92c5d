import Foundation
import Redis
package import Tasks

extension RedisTaskStore: UploadStore {
    package func add(
        _ media: Media,
        of tenant: TenantID,
        lifetime: Duration,
        quota: Int64,
        idempotencyKey: String?
    ) async throws(TaskStoreError) -> Upload {
        try await perform { transaction in
            let now = transaction.now
            let expiresAt = now.advanced(by: lifetime)
            let idempotency = idempotencyKey.map {
                NewTask.Idempotency(key: $0, fingerprint: "upload:\(media.id.hex)")
            }
            let owner = Bytes(tenant.rawValue.utf8)
            let replies = try await transaction.database.look([
                .next(Names.uploadNumber), .record(Names.upload(media.id, of: tenant)),
                .field(Names.uploadedBytes, owner), .record(Names.idempotency(idempotencyKey ?? "", of: tenant)),
            ])
            guard let number = replies[0].integer else { throw DamagedRecord.form }
            let isRepeated =
                try idempotency.map { try transaction.subject(of: $0, of: tenant, replies[3]) != nil } ?? false
            let known = try transaction.note(UploadRecord.self, Names.upload(media.id, of: tenant), replies[1])
            if let idempotency, !isRepeated {
                transaction.remember(idempotency, of: tenant, for: Bytes(media.id.hex.utf8))
            }
            if var known, known.upload.expiresAt > now {
                guard !isRepeated else { return known.upload }
                known.upload.expiresAt = max(known.upload.expiresAt, expiresAt)
                transaction.write(known)
                return known.upload
            }
            // Those whose time is over do not exist, though their records may.
            let over = try await self.expiredUploads(Names.uploadExpiry(of: tenant), of: tenant, at: now, limit: 1000)
            let used = (replies[2].integer ?? 0) - over.reduce(0) { $0 + $1.upload.media.bytes }
            guard media.bytes <= quota, used <= quota - media.bytes else {
                throw TaskStoreError.uploadQuotaExceeded(quota: quota)
            }
            transaction.requireField(Names.uploadedBytes, owner, replies[2].bytes ?? [])
            let upload = Upload(media: media, tenant: tenant, createdAt: now, expiresAt: expiresAt)
            transaction.write(UploadRecord(upload: upload, number: number))
            return upload
        }
    }

    package func upload(_ id: MediaID, of tenant: TenantID) async throws(TaskStoreError) -> Upload? {
        let now = clock.wallTime()
        return try await read {
            let look = Transaction(self.database, now: now)
            let found = try await look.record(UploadRecord.self, Names.upload(id, of: tenant))?.upload
            return found.flatMap { $0.expiresAt > now ? $0 : nil }
        }
    }

    package func uploads(matching query: UploadQuery) async throws(TaskStoreError) -> UploadPage {
        let limit = max(1, query.limit)
        let now = clock.wallTime()
        return try await read {
            let look = Transaction(self.database, now: now)
            var (found, beyond): ([Upload], Bytes?) = ([], nil)
            if let before = query.before {
                let name = Names.upload(before, of: query.tenant)
                guard let record = try await look.record(UploadRecord.self, name) else {
                    return UploadPage(uploads: [], next: nil)
                }
                beyond = record.number.bytes + Names.media(before)
            }
            // One more than asked for tells whether there is a next page.
            while found.count <= limit {
                let set = Names.uploads(of: query.tenant)
                let members = try await self.page(of: [set], beyond: beyond, limit: limit + 1, isAscending: false)
                let names = members.map { Bytes("u:".utf8) + Names.pair(query.tenant, Bytes($0.dropFirst(8))) }
                let values = try await self.database.look(names.map { .record($0) })
                found += try zip(names, values).compactMap { try look.note(UploadRecord.self, $0, $1)?.upload }
                    .filter { $0.expiresAt > now }
                guard members.count > limit else { break }
                beyond = members.last
            }
            let page = Array(found.prefix(limit))
            return UploadPage(uploads: page, next: found.count > limit ? page.last?.media.id : nil)
        }
    }

    package func removeUpload(_ id: MediaID, of tenant: TenantID) async throws(TaskStoreError) -> Bool {
        try await perform { transaction in
            let name = Names.upload(id, of: tenant)
            guard let known = try await transaction.record(UploadRecord.self, name),
                known.upload.expiresAt > transaction.now
            else { return false }
            transaction.delete(name)
            return true
        }
    }

    package func expireUploads(limit: Int) async throws(TaskStoreError) -> Int {
        try await perform { transaction in
            let over = try await self.expiredUploads(Names.uploadExpiry, at: transaction.now, limit: limit)
            var removed = 0
            for record in over {
                // Read as part of the transaction: its time may have been moved on meanwhile.
                guard let record = try await transaction.record(UploadRecord.self, record.name),
                    record.upload.expiresAt <= transaction.now
                else { continue }
                transaction.delete(record.name)
                removed += 1
            }
            return removed
        }
    }

    /// Uploads whose time is over, the first to end first.
    ///
    /// - Parameters:
    ///   - index: by the ends, of all or of one tenant.
    ///   - tenant: whose index that is; `nil`: everybody's.
    ///   - now: the moment.
    ///   - limit: how many, at most.
    /// - Returns: the uploads, as they are at this moment.
    /// - Throws: what Redis says, or `DamagedRecord`.
    func expiredUploads(
        _ index: Bytes,
        of tenant: TenantID? = nil,
        at now: Timestamp,
        limit: Int
    ) async throws -> [UploadRecord] {
        let range = ["-inf", "\(now.milliseconds)", "LIMIT", "0", "\(limit)"].map { Bytes($0.utf8) }
        let reply = try await database.read("ZRANGEBYSCORE", [database.key(index)] + range)
        let members = (reply.array ?? []).compactMap(\.bytes)
        let names = members.map { member in
            Bytes("u:".utf8) + (tenant.map { Names.pair($0, member) } ?? member)
        }
        let look = Transaction(database, now: now)
        let values = try await database.look(names.map { .record($0) })
        return try zip(names, values).compactMap { try look.note(UploadRecord.self, $0, $1) }
            .filter { $0.upload.expiresAt <= now }
    }

    package func neededMedia(of ids: [MediaID]) async throws(TaskStoreError) -> Set<MediaID> {
        let now = clock.wallTime()
        return try await read {
            let uses = try await self.database.look(ids.map { .field(Names.media, Names.media($0)) })
            var needed: Set<MediaID> = []
            for (id, use) in zip(ids, uses) {
                if (use.integer ?? 0) > 0 {
                    needed.insert(id)
                    continue
                }
                let range = ["(\(now.milliseconds)", "+inf"].map { Bytes($0.utf8) }
                let name = self.database.key(Names.uploads(of: id))
                if (try await self.database.read("ZCOUNT", [name] + range).integer ?? 0) > 0 { needed.insert(id) }
            }
            return needed
        }
    }
}
