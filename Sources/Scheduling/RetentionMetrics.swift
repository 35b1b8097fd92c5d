import Metrics

/// What is counted of kept videos.
struct RetentionMetrics: Sendable {
    private let evicted = Counter(label: "animato_videos_evicted_total")
    private let videos = Meter(label: "animato_videos")
    private let bytes = Meter(label: "animato_videos_bytes")

    /// Shows how much is kept.
    func kept(_ videos: Int, bytes: Int64) {
        self.videos.set(videos)
        self.bytes.set(bytes)
    }

    /// Counts videos that were let go.
    func letGo(_ videos: Int) {
        evicted.increment(by: videos)
    }
}
