import Foundation
import GRDB
package import Logging
import NIOPosix
package import Tasks

/// The task store of one machine: an SQLite database in a file that this process owns alone.
///
/// What it has answered is on disk (`synchronous=FULL`). Writes that wait at the same time share a transaction.
package final class SQLiteTaskStore: TaskStore {
    let commits: CommitQueue
    let clock: any ServiceClock
    let queue: WaitingQueue
    let signs = StoreSigns()
    private let cache: TaskCache
    private let database: any DatabaseWriter
    private let readers: NIOThreadPool
    private let lock: FileLock?
    private let metrics = StoreMetrics()

    /// Opens, and creates where needed, the database in a file.
    ///
    /// Every generation that a previous process was working on goes back into the queue, and what it was delivering is
    /// due again.
    ///
    /// - Parameters:
    ///   - path: of the database file; its directory must exist.
    ///   - settings: bounds.
    ///   - clock: the store's time.
    ///   - logger: for writes that fail.
    /// - Returns: the open store; `close` ends it.
    /// - Throws: `SQLiteTaskStoreOpenError`.
    package static func open(
        path: String,
        settings: SQLiteTaskStoreSettings = SQLiteTaskStoreSettings(),
        clock: any ServiceClock,
        logger: Logger
    ) async throws(SQLiteTaskStoreOpenError) -> SQLiteTaskStore {
        let lock = try FileLock(path: path + ".lock")
        return try await open(settings: settings, clock: clock, logger: logger, lock: lock) {
            try makePrivate(path)
            let pool = try DatabasePool(path: path, configuration: configuration(settings))
            // GRDB sets NORMAL when it turns WAL on, after any preparation of ours.
            let synchronous = try pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                return try Int.fetchOne(db, sql: "PRAGMA synchronous")
            }
            guard synchronous == 2 else {
                throw SQLiteTaskStoreOpenError.unusable("SQLite does not accept synchronous = FULL")
            }
            return pool
        }
    }

    /// Whether some process has the database of a path open.
    package static func isInUse(path: String) -> Bool {
        let path = path + ".lock"
        // To look must not make one.
        guard FileManager.default.fileExists(atPath: path) else { return false }
        do throws(SQLiteTaskStoreOpenError) {
            try FileLock(path: path).release()
            return false
        } catch {
            if case .inUse = error { return true }
            return false
        }
    }

    /// Makes the file its owner's alone, before anything is in it.
    ///
    /// It holds prompts, and secrets that callbacks are signed with. SQLite gives the files beside it the same rights.
    private static func makePrivate(_ path: String) throws {
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SQLiteTaskStoreOpenError.unusable("\(path): \(String(cString: strerror(errno)))")
        }
        defer { Foundation.close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw SQLiteTaskStoreOpenError.unusable("\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// A store that is gone with this value: for tests and trial runs.
    package static func inMemory(
        settings: SQLiteTaskStoreSettings = SQLiteTaskStoreSettings(),
        clock: any ServiceClock,
        logger: Logger
    ) async throws(SQLiteTaskStoreOpenError) -> SQLiteTaskStore {
        try await open(settings: settings, clock: clock, logger: logger, lock: nil) {
            try DatabaseQueue(configuration: configuration(settings))
        }
    }

    private static func configuration(_ settings: SQLiteTaskStoreSettings) -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = settings.readers
        configuration.label = "tasks"
        return configuration
    }

    private static func open(
        settings: SQLiteTaskStoreSettings,
        clock: any ServiceClock,
        logger: Logger,
        lock: FileLock?,
        connect: () throws -> any DatabaseWriter
    ) async throws(SQLiteTaskStoreOpenError) -> SQLiteTaskStore {
        do {
            let database = try connect()
            try Schema.migrator.migrate(database)
            let queue = try await database.read { db in try FairQueue(aging: settings.aging, in: db) }
            let store = SQLiteTaskStore(
                database: database,
                settings: settings,
                clock: clock,
                logger: logger,
                queue: WaitingQueue(queue),
                lock: lock
            )
            try await store.requeueOrphans()
            try await store.releaseDeliveries()
            return store
        } catch let error as SQLiteTaskStoreOpenError {
            throw error
        } catch {
            throw .unusable("\(CommitQueue.storeError(error))")
        }
    }

    private init(
        database: any DatabaseWriter,
        settings: SQLiteTaskStoreSettings,
        clock: any ServiceClock,
        logger: Logger,
        queue: WaitingQueue,
        lock: FileLock?
    ) {
        self.database = database
        self.clock = clock
        self.lock = lock
        self.queue = queue
        cache = TaskCache(capacity: settings.cachedTasks)
        commits = CommitQueue(
            database: database,
            cache: cache,
            signs: signs,
            clock: clock,
            logger: logger,
            queue: queue,
            capacity: settings.waitingWrites,
            batchLimit: settings.writesPerCommit,
            metrics: metrics
        )
        readers = NIOThreadPool(numberOfThreads: settings.readers)
        readers.start()
    }

    /// How many writes wait for their turn now.
    package var waitingWrites: Int { commits.waitingCount }

    /// Closes the database.
    ///
    /// Writes that wait are carried out or refused; nothing may be asked afterwards.
    package func close() async throws {
        await commits.shutDown()
        signs.close()
        try await readers.shutdownGracefully()
        try database.close()
        lock?.release()
    }

    /// Reads on a thread of the store's own: neither an event loop nor the pool of Swift tasks ever waits for a disk.
    func read<Value: Sendable>(
        operation: String = #function,
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(TaskStoreError) -> Value {
        let started = ContinuousClock.now
        defer { metrics.ended(operation, since: started) }
        do {
            return try await readers.runIfActive { try self.database.read(body) }
        } catch {
            throw CommitQueue.storeError(error)
        }
    }

    // MARK: Reading

    package func task(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> GenerationTask? {
        let (cached, ticket) = cache.lookUp(id, of: tenant)
        if let cached { return cached }
        let found = try await read { db in
            let statement = try db.cachedStatement(
                sql: "\(TaskRow.select) WHERE t.tenant = ? AND t.id = ? AND t.removed_at IS NULL"
            )
            return try Row.fetchOne(statement, arguments: [tenant.rawValue, id.bytes]).map(TaskRow.task)
        }
        if let found { cache.insert(found, ticket) }
        return found
    }

    package func tasks(matching query: TaskQuery) async throws(TaskStoreError) -> TaskPage {
        let limit = max(1, query.limit)
        // One more than asked for tells whether there is a next page.
        var tasks = try await read { db in
            var sql = "\(TaskRow.select(from: query)) WHERE t.removed_at IS NULL"
            var arguments: StatementArguments = []
            if let tenant = query.tenant {
                sql += " AND t.tenant = ?"
                arguments += [tenant.rawValue]
            }
            // By its name, so that SQLite sees which index has all that have it.
            if let status = query.status { sql += " AND t.status = '\(status.rawValue)'" }
            if let before = query.before {
                sql += " AND t.id \(query.isAscending ? ">" : "<") ?"
                arguments += [before.bytes]
            }
            sql += " ORDER BY t.id \(query.isAscending ? "ASC" : "DESC") LIMIT ?"
            arguments += [limit + 1]
            return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments).map(TaskRow.task)
        }
        let hasMore = tasks.count > limit
        if hasMore { tasks.removeLast() }
        return TaskPage(tasks: tasks, next: hasMore ? tasks.last?.id : nil)
    }

    package func unfinished(_ generations: [GenerationID]) async throws(TaskStoreError) -> Set<GenerationID> {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT id FROM generations WHERE id = ? AND status IN ('queued', 'running')"
            )
            var found: Set<GenerationID> = []
            for id in generations {
                if let id = try Int64.fetchOne(statement, arguments: [id.rawValue]) {
                    found.insert(GenerationID(rawValue: id))
                }
            }
            return found
        }
    }

}
