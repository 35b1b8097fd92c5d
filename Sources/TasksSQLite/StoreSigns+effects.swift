import Tasks

extension StoreSigns {
    /// Tells of a committed transaction.
    func give(_ effects: WriteEffects) {
        if effects.hasNewDeliveries { deliveries.give() }
        if effects.hasChangedKeys { keys.give() }
        if effects.changedVideos.isEmpty {
            tasks.give(effects.newTasks.map(\.id) + effects.changedTasks.map(\.id) + effects.removedTasks)
        } else {
            // A video that is let go, or there again, changes tasks that nobody has read for it.
            tasks.giveAll()
        }
        news.give(effects.news)
    }
}
