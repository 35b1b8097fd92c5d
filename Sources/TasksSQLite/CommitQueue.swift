import GRDB
import Logging
import NIOPosix
import Synchronization
import Tasks

/// Carries out writes one after the other, as many as wait in one transaction: one sync to disk for all of them.
///
/// A write's caller goes on only after its commit is on disk. A write that fails with a `TaskStoreError` must not have
/// changed anything and leaves the others alone; after any other error the transaction is rolled back and its writes
/// are carried out again one by one, so that only the one at fault fails.
final class CommitQueue: Sendable {
    /// One write, as far as the queue knows it.
    private struct Job: Sendable {
        /// Does the work and returns how to tell the caller once it is on disk.
        var run: @Sendable (Write) throws -> @Sendable () -> Void
        /// Tells the caller that nothing was written.
        var fail: @Sendable (TaskStoreError) -> Void
    }

    private struct Waiting {
        var jobs: [Job] = []
        var isDraining = false
    }

    /// State that only the writing thread uses; the lock is there for the compiler and never waited for.
    private struct Writer {
        var answers = FinishedAnswers()
    }

    private let database: any DatabaseWriter
    private let cache: TaskCache
    private let signs: StoreSigns
    private let clock: any ServiceClock
    private let logger: Logger
    private let thread: NIOThreadPool
    private let waiting = Mutex(Waiting())
    private let writer = Mutex(Writer())
    private let queue: WaitingQueue
    private let requests = RequestCache()
    /// Writes that may wait; further ones are refused.
    private let capacity: Int
    /// Writes in one transaction: bounds the time until the first of them is answered.
    private let batchLimit: Int
    private let metrics: StoreMetrics

    init(
        database: any DatabaseWriter,
        cache: TaskCache,
        signs: StoreSigns,
        clock: any ServiceClock,
        logger: Logger,
        queue: WaitingQueue,
        capacity: Int,
        batchLimit: Int,
        metrics: StoreMetrics
    ) {
        self.database = database
        self.cache = cache
        self.signs = signs
        self.clock = clock
        self.logger = logger
        self.queue = queue
        self.capacity = capacity
        self.batchLimit = batchLimit
        self.metrics = metrics
        thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
    }

    /// Ends the writing thread.
    ///
    /// Every write that waits is carried out or refused.
    func shutDown() async {
        try? await thread.shutdownGracefully()
    }

    /// How many writes wait for their turn.
    var waitingCount: Int { waiting.withLock { $0.jobs.count } }

    /// Runs a write and returns its value once that is on disk.
    func perform<Value: Sendable>(
        operation: String = #function,
        _ body: @escaping @Sendable (Write) throws -> Value
    ) async throws(TaskStoreError) -> Value {
        let started = ContinuousClock.now
        defer { metrics.ended(operation, since: started) }
        let result: Result<Value, TaskStoreError> = await withCheckedContinuation { continuation in
            let job = Job(
                run: { write in
                    let result: Result<Value, TaskStoreError>
                    do {
                        result = .success(try body(write))
                    } catch let error as TaskStoreError {
                        result = .failure(error)
                    }
                    return { continuation.resume(returning: result) }
                },
                fail: { continuation.resume(returning: .failure($0)) }
            )
            enqueue(job)
        }
        return try result.get()
    }

    private func enqueue(_ job: Job) {
        enum Next {
            case wait
            case drain
            case refuse
        }
        let next: Next = waiting.withLock { waiting in
            guard waiting.jobs.count < capacity else { return .refuse }
            waiting.jobs.append(job)
            if waiting.isDraining { return .wait }
            waiting.isDraining = true
            return .drain
        }
        switch next {
        case .wait: break
        case .refuse: job.fail(.overloaded)
        case .drain:
            thread.submit { state in
                switch state {
                case .active: self.drain()
                case .cancelled: self.refuseAll()
                }
            }
        }
    }

    private func refuseAll() {
        let jobs = waiting.withLock { waiting in
            waiting.isDraining = false
            defer { waiting.jobs = [] }
            return waiting.jobs
        }
        for job in jobs {
            job.fail(.unavailable("the store is closed"))
        }
    }

    private func drain() {
        while true {
            let batch = waiting.withLock { waiting in
                let batch = Array(waiting.jobs.prefix(batchLimit))
                waiting.jobs.removeFirst(batch.count)
                if batch.isEmpty { waiting.isDraining = false }
                return batch
            }
            guard !batch.isEmpty else { return }
            carryOut(batch)
        }
    }

    private func carryOut(_ batch: [Job]) {
        do {
            for answer in try commit(batch) { answer() }
        } catch  where batch.count > 1 {
            for job in batch { carryOut([job]) }
        } catch {
            let failure = Self.storeError(error)
            logger.error("A write to the task store failed", metadata: ["error": "\(failure)"])
            for job in batch { job.fail(failure) }
        }
    }

    /// One transaction.
    ///
    /// - Returns: how to tell each caller.
    private func commit(_ batch: [Job]) throws -> [@Sendable () -> Void] {
        try writer.withLock { writer in
            do {
                var answers: [@Sendable () -> Void] = []
                answers.reserveCapacity(batch.count)
                let effects = try database.writeWithoutTransaction { db in
                    let write = Write(
                        db: db,
                        now: clock.wallTime(),
                        queue: queue,
                        requests: requests,
                        finished: writer.answers
                    )
                    try db.inTransaction(.immediate) {
                        for job in batch {
                            answers.append(try job.run(write))
                        }
                        try write.settleReceivers()
                        return .commit
                    }
                    return write.effects
                }
                queue.commit()
                writer.answers.apply(effects)
                cache.apply(effects)
                signs.give(effects)
                return answers
            } catch {
                queue.rollBack()
                throw error
            }
        }
    }

    /// What a database error is for the callers of the store.
    static func storeError(_ error: any Error) -> TaskStoreError {
        switch error {
        case let error as TaskStoreError: error
        case let error as DatabaseError:
            .unavailable("SQLite: \(error.message ?? "error") (\(error.resultCode.rawValue))")
        case let error as DamagedRow: .unavailable("a stored row is damaged in column \(error.column)")
        default: .unavailable("\(error)")
        }
    }
}
