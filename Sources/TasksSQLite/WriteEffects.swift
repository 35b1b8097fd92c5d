import Tasks

/// What a transaction does beside its rows, carried out once it is committed.
struct WriteEffects {
    var newTasks: [GenerationTask] = []
    var changedTasks: [GenerationTask] = []
    var removedTasks: [TaskID] = []
    /// Videos that were let go, with the moment, or are there again.
    var changedVideos: [String: VideoRecord] = [:]
    /// Finished generations that answer their keys.
    var answers: [GenerationRow] = []
    /// Keys that are not answered any more as they were before.
    var changedAnswers: Set<GenerationKey> = []
    /// Whether deliveries may have become due.
    var hasNewDeliveries = false
    var hasChangedKeys = false
    /// What whoever works on generations must know; nothing is in it twice.
    private(set) var news: [StoreNews] = []

    mutating func tell(_ item: StoreNews) {
        if !news.contains(item) { news.append(item) }
    }
}
