import Metrics

/// What is counted of kept videos that are read.
struct ResultsMetrics: Sendable {
    private let memory = Self.reads("memory")
    private let shared = Self.reads("shared")
    private let store = Self.reads("store")
    private let none = Self.reads("none")
    private let damaged = Counter(label: "animato_videos_damaged_total")

    func readFromMemory() {
        memory.increment()
    }

    /// Counts a video that the memory of all machines had.
    func readFromShared() {
        shared.increment()
    }

    /// Counts a video that was not in memory.
    ///
    /// - Parameter isThere: whether it was elsewhere.
    func readFromStore(isThere: Bool) {
        (isThere ? store : none).increment()
    }

    func setAside() {
        damaged.increment()
    }

    private static func reads(_ level: String) -> Counter {
        Counter(label: "animato_video_reads_total", dimensions: [("level", level)])
    }
}
