import GRDB
package import Tasks

extension SQLiteTaskStore {
    package func expire(_ videos: [String]) async throws(TaskStoreError) {
        try await commits.perform { write in
            for video in videos { try write.expire(video) }
        }
    }

    package func restore(_ videos: [String]) async throws(TaskStoreError) {
        try await commits.perform { write in
            for video in videos { try write.restore(video) }
        }
    }

    package func videos(_ names: [String]) async throws(TaskStoreError) -> [String: VideoRecord] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT expired_at FROM generations WHERE video = ? ORDER BY expired_at LIMIT 1"
            )
            var records: [String: VideoRecord] = [:]
            for name in names {
                guard let row = try Row.fetchOne(statement, arguments: [name]) else { continue }
                let expiredAt = (row[0] as Int64?).map(Timestamp.init(milliseconds:))
                records[name] = VideoRecord(expiredAt: expiredAt)
            }
            return records
        }
    }
}
