import GRDB
import Tasks

/// Videos that are let go, and those that are there again.
extension Write {
    /// Makes every generation of a video say that it is let go, and answer nothing.
    ///
    /// By set, not row by row: many generations may have made the same bytes.
    func expire(_ video: String) throws {
        let answering = try rows("SELECT key FROM generations WHERE video = ? AND is_answer = 1", [video])
        let changed = try execute(
            """
            UPDATE generations SET expired_at = ?, was_answer = is_answer, is_answer = 0,
                is_unused = NOT EXISTS (SELECT 1 FROM tasks t WHERE t.generation_id = generations.id)
            WHERE video = ? AND expired_at IS NULL
            """,
            [now.milliseconds, video]
        )
        guard changed > 0 else { return }
        for row in answering { effects.changedAnswers.insert(GenerationKey(rawValue: row[0])) }
        effects.changedVideos[video] = VideoRecord(expiredAt: now)
    }

    /// Takes back `expire`: of each key that nothing answers meanwhile, the newest that answered it does so again.
    func restore(_ video: String) throws {
        let isExpired = try row(
            "SELECT 1 FROM generations WHERE video = ? AND expired_at IS NOT NULL LIMIT 1",
            [video]
        )
        guard isExpired != nil else { return }
        let answered = try rows(
            """
            SELECT id, key FROM generations WHERE video = ? AND expired_at IS NOT NULL AND was_answer = 1
            ORDER BY id DESC
            """,
            [video]
        )
        for row in answered {
            let key = row[1] as String
            try execute(
                """
                UPDATE generations SET is_answer = 1, is_unused = 0
                WHERE id = ? AND NOT EXISTS (SELECT 1 FROM generations WHERE key = ? AND is_answer = 1)
                """,
                [row[0] as Int64, key]
            )
            effects.changedAnswers.insert(GenerationKey(rawValue: key))
        }
        try execute(
            "UPDATE generations SET expired_at = NULL, was_answer = 0 WHERE video = ? AND expired_at IS NOT NULL",
            [video]
        )
        effects.changedVideos[video] = VideoRecord(expiredAt: nil)
    }
}
