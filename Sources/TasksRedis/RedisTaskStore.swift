package import Logging
package import Redis
import Synchronization
package import Tasks

/// The task store of many machines: a Redis or Valkey that all their processes share.
///
/// Every process reads records, decides with the same code as the store of one machine, and asks Redis to make the
/// changes if nothing that it has read has changed since; if something has, it reads and decides again.
package final class RedisTaskStore: TaskStore {
    let database: StoreDatabase
    let follower: QueueFollower
    let clock: any ServiceClock
    let signs = StoreSigns()
    let metrics = StoreMetrics()
    /// Claims of whatever is first: one at a time, or all of this process would try for the same.
    let claims = OneAtATime()
    private let following = Mutex<Task<Void, Never>?>(nil)
    private let closing = Mutex(false)

    /// How often a transaction is tried anew because of what others have changed.
    private static let attempts = 100
    private static let longestPause: Duration = .milliseconds(50)

    /// Joins the processes that share a Redis.
    ///
    /// What others are working on stays theirs: leases that run out are reaped, by whichever process comes first.
    ///
    /// - Parameters:
    ///   - client: the connection; whoever made it closes it, after this store.
    ///   - settings: what all processes have in common, and bounds.
    ///   - clock: the store's time, the same for all processes.
    ///   - logger: hears when the log is read anew.
    /// - Returns: the open store; `close` ends it.
    /// - Throws: `unavailable`.
    package static func open(
        client: any RedisCommands,
        settings: RedisStoreSettings = RedisStoreSettings(),
        clock: any ServiceClock,
        logger: Logger
    ) async throws(TaskStoreError) -> RedisTaskStore {
        let store = RedisTaskStore(client, settings, clock, logger)
        do {
            try await store.follower.start()
        } catch {
            throw storeError(error)
        }
        let follower = store.follower
        // Ended by `close()`, which waits for it.
        store.following.withLock { $0 = Task { await follower.follow() } }
        return store
    }

    private init(
        _ client: any RedisCommands,
        _ settings: RedisStoreSettings,
        _ clock: any ServiceClock,
        _ logger: Logger
    ) {
        database = StoreDatabase(client, settings: settings)
        follower = QueueFollower(database, signs: signs, settings: settings, logger: logger)
        self.clock = clock
    }

    /// Follows the log no longer and ends every stream; nothing may be asked afterwards.
    package func close() async {
        closing.withLock { $0 = true }
        let task = following.withLock { $0 }
        task?.cancel()
        await task?.value
        signs.close()
    }

    // MARK: Transactions

    /// Reads, decides and writes, again if others have written meanwhile.
    ///
    /// - Throws: `overloaded` if others always did.
    func perform<Value: Sendable>(
        operation: String = #function,
        _ body: (Transaction) async throws -> Value
    ) async throws(TaskStoreError) -> Value {
        let started = ContinuousClock.now
        defer { metrics.ended(operation, since: started) }
        var attempt = 1
        while true {
            do {
                return try await tryOnce(body)
            } catch let conflict as ConflictError {
                metrics.conflicted(operation)
                follower.note(conflict.logNumber)
                guard attempt < Self.attempts else { throw .overloaded }
                if attempt > 1 {
                    // Who comes again at once meets the same others again.
                    let longest = min(Self.longestPause, .microseconds(200) * attempt)
                    try? await Task.sleep(for: longest * Double.random(in: 0...1))
                }
                attempt += 1
            } catch {
                throw Self.storeError(error)
            }
        }
    }

    private func tryOnce<Value: Sendable>(_ body: (Transaction) async throws -> Value) async throws -> Value {
        guard !closing.withLock({ $0 }) else { throw TaskStoreError.unavailable("the store is closed") }
        let transaction = Transaction(database, now: clock.wallTime())
        let value = try await body(transaction)
        guard transaction.isChanged else { return value }
        let committed = try await database.commit(transaction)
        if !transaction.log.isEmpty {
            follower.note(committed.logNumber)
            signs.give(transaction.log)
        }
        return value
    }

    /// Reads without writing.
    func read<Value: Sendable>(
        operation: String = #function,
        _ body: () async throws -> Value
    ) async throws(TaskStoreError) -> Value {
        let started = ContinuousClock.now
        defer { metrics.ended(operation, since: started) }
        return try await fromMemory(body)
    }

    /// The same, uncounted, of what memory answers.
    func fromMemory<Value: Sendable>(_ body: () async throws -> Value) async throws(TaskStoreError) -> Value {
        do {
            guard !closing.withLock({ $0 }) else { throw TaskStoreError.unavailable("the store is closed") }
            return try await body()
        } catch {
            throw Self.storeError(error)
        }
    }

    /// What an error is for the callers of the store.
    static func storeError(_ error: any Error) -> TaskStoreError {
        switch error {
        case let error as TaskStoreError: error
        case RedisError.overloaded, is ConflictError: .overloaded
        case RedisError.unavailable(let reason), RedisError.outcomeUnknown(let reason):
            .unavailable("Redis: \(reason)")
        case RedisError.refused(let reason): .unavailable("Redis refuses: \(reason)")
        case let error as DamagedRecord: .unavailable("a stored record is damaged: \(error.reason)")
        default: .unavailable("\(error)")
        }
    }
}
