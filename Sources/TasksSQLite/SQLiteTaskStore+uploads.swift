import Foundation
import GRDB
package import Tasks

extension SQLiteTaskStore: UploadStore {
    package func add(
        _ media: Media,
        of tenant: TenantID,
        lifetime: Duration,
        quota: Int64,
        idempotencyKey: String?
    ) async throws(TaskStoreError) -> Upload {
        try await commits.perform { write in
            let expiresAt = write.now.advanced(by: lifetime)
            let idempotency = idempotencyKey.map {
                NewTask.Idempotency(key: $0, fingerprint: "upload:\(media.id.hex)")
            }
            let isRepeated = try idempotency.map { try write.subject(of: $0, of: tenant) != nil } ?? false
            func remember() throws {
                guard let idempotency, !isRepeated else { return }
                try write.remember(idempotency, of: tenant, for: Data(media.id.hex.utf8))
            }
            let known = try write.upload(media.id, of: tenant)
            if var known, known.expiresAt > write.now {
                guard !isRepeated else { return known }
                try remember()
                known.expiresAt = max(known.expiresAt, expiresAt)
                try write.execute(
                    "UPDATE uploads SET expires_at = ? WHERE tenant = ? AND media = ?",
                    [known.expiresAt.milliseconds, tenant.rawValue, media.id.hex]
                )
                return known
            }
            let used = try write.uploadedBytes(of: tenant)
            guard media.bytes <= quota, used <= quota - media.bytes else {
                throw TaskStoreError.uploadQuotaExceeded(quota: quota)
            }
            // One whose time is over does not exist, though its row may.
            if known != nil { try write.removeExpiredUpload(media.id, of: tenant) }
            try remember()
            let upload = Upload(media: media, tenant: tenant, createdAt: write.now, expiresAt: expiresAt)
            try write.insert(upload)
            return upload
        }
    }

    package func upload(_ id: MediaID, of tenant: TenantID) async throws(TaskStoreError) -> Upload? {
        let now = clock.wallTime()
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: "\(UploadRow.select) WHERE tenant = ? AND media = ? AND expires_at > ?"
            )
            return try Row.fetchOne(statement, arguments: [tenant.rawValue, id.hex, now.milliseconds])
                .map(UploadRow.upload)
        }
    }

    package func uploads(matching query: UploadQuery) async throws(TaskStoreError) -> UploadPage {
        let limit = max(1, query.limit)
        let now = clock.wallTime()
        // One more than asked for tells whether there is a next page.
        var uploads = try await read { db in
            var sql = "\(UploadRow.select) WHERE tenant = ? AND expires_at > ?"
            var arguments: StatementArguments = [query.tenant.rawValue, now.milliseconds]
            if let before = query.before {
                sql += " AND number < (SELECT number FROM uploads WHERE tenant = ? AND media = ?)"
                arguments += [query.tenant.rawValue, before.hex]
            }
            sql += " ORDER BY number DESC LIMIT ?"
            arguments += [limit + 1]
            return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments).map(UploadRow.upload)
        }
        let hasMore = uploads.count > limit
        if hasMore { uploads.removeLast() }
        return UploadPage(uploads: uploads, next: hasMore ? uploads.last?.media.id : nil)
    }

    package func removeUpload(_ id: MediaID, of tenant: TenantID) async throws(TaskStoreError) -> Bool {
        try await commits.perform { write in
            let removed = try write.execute(
                "DELETE FROM uploads WHERE tenant = ? AND media = ? AND expires_at > ?",
                [tenant.rawValue, id.hex, write.now.milliseconds]
            )
            return removed > 0
        }
    }

    package func expireUploads(limit: Int) async throws(TaskStoreError) -> Int {
        try await commits.perform { write in
            try write.execute(
                """
                DELETE FROM uploads WHERE number IN (
                    SELECT number FROM uploads WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
                """,
                [write.now.milliseconds, limit]
            )
        }
    }

    package func neededMedia(of ids: [MediaID]) async throws(TaskStoreError) -> Set<MediaID> {
        let now = clock.wallTime()
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM uploads WHERE media = ?1 AND expires_at > ?2)
                        OR EXISTS (SELECT 1 FROM generation_media WHERE media = ?1)
                    """
            )
            var needed: Set<MediaID> = []
            for id in ids where try Bool.fetchOne(statement, arguments: [id.hex, now.milliseconds]) == true {
                needed.insert(id)
            }
            return needed
        }
    }
}

/// Uploads as rows.
private enum UploadRow {
    static let select = """
        SELECT tenant, media, bytes, kind, format, width, height, num_frames, fps, seconds, created_at, expires_at
        FROM uploads
        """

    /// Reads a row of `select`.
    static func upload(_ row: Row) throws -> Upload {
        guard let id = MediaID(row[1] as String) else { throw DamagedRow(column: "media") }
        guard let kind = MediaKind(rawValue: row[3]) else { throw DamagedRow(column: "kind") }
        return Upload(
            media: Media(
                id: id,
                bytes: row[2],
                kind: kind,
                format: row[4],
                width: row[5],
                height: row[6],
                numFrames: row[7],
                fps: row[8],
                seconds: row[9]
            ),
            tenant: TenantID(rawValue: row[0]),
            createdAt: Timestamp(milliseconds: row[10]),
            expiresAt: Timestamp(milliseconds: row[11])
        )
    }
}

extension Write {
    fileprivate func upload(_ id: MediaID, of tenant: TenantID) throws -> Upload? {
        try row("\(UploadRow.select) WHERE tenant = ? AND media = ?", [tenant.rawValue, id.hex]).map(UploadRow.upload)
    }

    fileprivate func removeExpiredUpload(_ id: MediaID, of tenant: TenantID) throws {
        try execute(
            "DELETE FROM uploads WHERE tenant = ? AND media = ? AND expires_at <= ?",
            [tenant.rawValue, id.hex, now.milliseconds]
        )
    }

    /// Of those whose time is not over.
    fileprivate func uploadedBytes(of tenant: TenantID) throws -> Int64 {
        let sum = try row(
            "SELECT COALESCE(SUM(bytes), 0) FROM uploads WHERE tenant = ? AND expires_at > ?",
            [tenant.rawValue, now.milliseconds]
        )
        return sum?[0] ?? 0
    }

    fileprivate func insert(_ upload: Upload) throws {
        let media = upload.media
        try execute(
            """
            INSERT INTO uploads (
                tenant, media, bytes, kind, format, width, height, num_frames, fps, seconds, created_at, expires_at
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                upload.tenant.rawValue, media.id.hex, media.bytes, media.kind.rawValue, media.format, media.width,
                media.height, media.numFrames, media.fps, media.seconds, upload.createdAt.milliseconds,
                upload.expiresAt.milliseconds,
            ]
        )
    }
}
