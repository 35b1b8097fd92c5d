/// How much of the most wanted videos all machines keep together in Redis.
package struct RedisLevelSettings: Sendable, Equatable {
    /// Before every key, in braces.
    package var prefix: String
    /// Videos; 0 turns the level off.
    package var maxEntries: Int
    package var maxBytes: Int64
    /// A larger video is never kept: sending it would keep others waiting.
    package var maxVideoBytes: Int64
    /// Askings within ten minutes, on any machine, that a video must have had to be kept.
    package var admission: Int
    /// After a failure the server is left alone for so long.
    package var pause: Duration

    package init(
        prefix: String = "animato",
        maxEntries: Int = 200,
        maxBytes: Int64 = 512 << 20,
        maxVideoBytes: Int64 = 8 << 20,
        admission: Int = 2,
        pause: Duration = .seconds(5)
    ) {
        self.prefix = prefix
        self.maxEntries = maxEntries
        self.maxBytes = maxBytes
        self.maxVideoBytes = maxVideoBytes
        self.admission = admission
        self.pause = pause
    }
}
