/// The bounds of an SQLite task store, and what its order depends on.
package struct SQLiteTaskStoreSettings: Sendable, Equatable {
    /// Threads and connections for reading.
    package var readers: Int
    /// Writes that may wait for the disk; further ones are refused as overload.
    package var waitingWrites: Int
    /// Writes that share one commit, at most.
    package var writesPerCommit: Int
    /// Tasks kept in memory for polls.
    package var cachedTasks: Int
    /// A tenant that has waited so long in a priority has its first there raised by one; zero: never.
    package var aging: Duration

    package init(
        readers: Int = 2,
        waitingWrites: Int = 10_000,
        writesPerCommit: Int = 256,
        cachedTasks: Int = 20_000,
        aging: Duration = .seconds(600)
    ) {
        self.readers = readers
        self.waitingWrites = waitingWrites
        self.writesPerCommit = writesPerCommit
        self.cachedTasks = cachedTasks
        self.aging = aging
    }
}

/// Why a database could not be opened.
package enum SQLiteTaskStoreOpenError: Error, Sendable, Equatable {
    /// Another process has it open.
    case inUse(path: String)
    /// It cannot be created, read or brought to this version.
    case unusable(String)
}
