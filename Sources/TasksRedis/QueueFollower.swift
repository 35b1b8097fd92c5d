import Logging
import Redis
import Synchronization
import Tasks

/// Keeps what waits in memory, in fair order, by following the log that every process writes.
///
/// Every process makes the same changes in the same order. Who starts, or has missed entries of the log, reads what
/// waits and runs anew and goes on from there; what tenants were charged in the past is then forgotten, as it is when an
/// SQLite store is opened again.
final class QueueFollower: Sendable {
    private struct Waiter {
        var number: Int64
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var queue: FairQueue
        /// The last entry of the log that the queue knows.
        var applied: Int64 = 0
        /// The name of the transaction that wrote it.
        var token: Bytes = []
        /// The last entry that this process knows to be there.
        var known: Int64 = 0
        var waiters: [Waiter] = []
        var isClosed = false
    }

    /// Entries that are read at once.
    private static let batch = 500
    /// How long the server waits for an entry before it says that there is none.
    private static let block: Duration = .seconds(1)
    private static let longestPause: Duration = .seconds(2)

    private let database: StoreDatabase
    private let signs: StoreSigns
    private let logger: Logger
    private let aging: Duration
    private let patience: Duration
    private let state: Mutex<State>

    init(_ database: StoreDatabase, signs: StoreSigns, settings: RedisStoreSettings, logger: Logger) {
        self.database = database
        self.signs = signs
        self.logger = logger
        aging = settings.aging
        patience = settings.patience
        state = Mutex(State(queue: FairQueue(aging: settings.aging)))
    }

    // MARK: Asking

    /// Notes an entry of the log: whoever asks from now on is answered once it is known here.
    func note(_ number: Int64) {
        state.withLock { $0.known = max($0.known, number) }
    }

    /// Asks the queue as it is at a moment, with everything that this process has written.
    ///
    /// - Throws: `unavailable` if that does not become known in time.
    func read<Value: Sendable>(at now: Timestamp, _ body: (inout FairQueue) -> Value) async throws -> Value {
        guard await isUpToDate() else { throw TaskStoreError.unavailable("the log of the store is not to be read") }
        return state.withLock { state in
            state.queue.advance(to: now)
            return body(&state.queue)
        }
    }

    private func isUpToDate() async -> Bool {
        await withCheckedContinuation { continuation in
            let isKnown: Bool? = state.withLock { state in
                if state.applied >= state.known { return true }
                if state.isClosed { return false }
                state.waiters.append(
                    Waiter(number: state.known, deadline: .now + patience, continuation: continuation)
                )
                return nil
            }
            if let isKnown { continuation.resume(returning: isKnown) }
        }
    }

    // MARK: Following

    /// Reads what waits; called once before anything is asked.
    func start() async throws {
        try await rebuild()
    }

    /// Follows the log until the task is cancelled.
    func follow() async {
        var (isLost, pause) = (false, Duration.zero)
        while !Task.isCancelled {
            do {
                if isLost { try await recover() }
                isLost = false
                try await step()
                pause = .zero
            } catch {
                guard !Task.isCancelled else { break }
                isLost = true
                logger.warning("The log of the task store is read anew", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pause)
                pause = min(Self.longestPause, max(.milliseconds(50), pause * 2))
            }
            expire()
        }
        close()
    }

    /// Reads everything anew and tells everybody: what was missed may be anything.
    private func recover() async throws {
        try await rebuild()
        signs.tasks.giveAll()
        signs.deliveries.give()
        signs.keys.give()
        signs.news.give([.missed])
    }

    private func step() async throws {
        let from = state.withLock { $0.applied }
        let milliseconds = Self.block.wholeMilliseconds
        let command = RedisCommand([
            Bytes("XREAD".utf8), Bytes("COUNT".utf8), Bytes(String(Self.batch).utf8), Bytes("BLOCK".utf8),
            Bytes(String(milliseconds).utf8), Bytes("STREAMS".utf8), database.key(Names.log), Bytes("\(from)-0".utf8),
        ])
        let reply = try await database.redis.sendBlocking(command, patience: Self.block + .seconds(4))
        guard let entries = reply.array?.first?.array?.last?.array else {
            // Nothing new; unless the server has lost what it had confirmed.
            let last = try await number()
            guard last >= from else { throw DamagedRecord(reason: "the log has gone back") }
            return
        }
        for entry in entries { try apply(entry) }
    }

    private func number() async throws -> Int64 {
        try await database.read("GET", [database.key(Names.logNumber)]).integer ?? 0
    }

    private func apply(_ value: RESPValue) throws {
        guard let parts = value.array, parts.count == 2, let id = parts[0].text, let fields = parts[1].array,
            let number = Int64(id.prefix { $0 != "-" }), fields.count >= 8,
            let before = fields[1].bytes, let name = fields[3].bytes, let origin = fields[5].bytes,
            let data = fields[7].bytes
        else { throw DamagedRecord(reason: "an entry of the log has another form") }
        let entry = try LogEntry(data, requests: database.requests)
        let isNext = state.withLock { state in
            guard state.token == before else { return false }
            for change in entry.queue { state.queue.apply(change) }
            state.applied = number
            state.token = name
            return true
        }
        guard isNext else { throw DamagedRecord(reason: "entries of the log were missed") }
        if origin != database.origin { signs.give(entry) }
        answer { $0.number <= number }
    }

    private func answer(_ isDone: (Waiter) -> Bool) {
        let done = state.withLock { state in
            let done = state.waiters.filter(isDone)
            if !done.isEmpty { state.waiters.removeAll(where: isDone) }
            return done
        }
        for waiter in done { waiter.continuation.resume(returning: true) }
    }

    /// Lets those go who have waited for too long.
    private func expire() {
        let now = ContinuousClock.now
        let late = state.withLock { state in
            let late = state.waiters.filter { $0.deadline <= now }
            if !late.isEmpty { state.waiters.removeAll { $0.deadline <= now } }
            return late
        }
        for waiter in late { waiter.continuation.resume(returning: false) }
    }

    private func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    // MARK: Reading everything

    /// Reads what waits and runs.
    ///
    /// Page by page, while others write: whatever changes meanwhile is in the log behind the entry that was the last one
    /// before, and to make a change again that is in the page already changes nothing.
    private func rebuild() async throws {
        let start = try await database.read("MGET", [database.key(Names.logNumber), database.key(Names.logToken)])
        let number = start.array?.first?.integer ?? 0
        let token = start.array?.last?.bytes ?? []
        var queue = FairQueue(aging: aging)
        var running: [StoredGeneration] = []
        for generation in try await generations() {
            switch generation.generation.status {
            case .queued: queue.insert(generation.waiting)
            case .running:
                queue.insert(generation.waiting)
                running.append(generation)
            case .succeeded, .failed, .cancelled: break
            }
        }
        for generation in running {
            let tenant = generation.generation.tenant
            queue.setRunningLimit(of: tenant, to: nil)
            _ = queue.take(generation.generation.id, at: generation.generation.startedAt ?? generation.notBefore)
            queue.remove(generation.generation.id)
        }
        let limits = try await database.read("HGETALL", [database.key(Names.runningLimits)]).array ?? []
        let said = stride(from: 0, to: limits.count - 1, by: 2).map { index in
            (TenantID(rawValue: limits[index].text ?? ""), limits[index + 1].integer.map { Int(clamping: $0) })
        }
        for tenant in queue.limitedTenants { queue.setRunningLimit(of: tenant, to: nil) }
        for (tenant, limit) in said { queue.setRunningLimit(of: tenant, to: limit) }
        let last = try await self.number()
        let built = queue
        state.withLock { state in
            state.queue = built
            state.applied = number
            state.token = token
            // What is known to have been written and is not there has been lost.
            state.known = min(state.known, max(last, number))
        }
        answer { $0.number <= number || $0.number > last }
    }

    /// Everything that waits or runs, the first that was made first.
    private func generations() async throws -> [StoredGeneration] {
        let all = [Bytes("0".utf8), Bytes("-1".utf8)]
        let running = try await database.read("ZRANGE", [database.key(Names.leases)] + all)
        var members = running.array?.compactMap(\.bytes) ?? []
        var from: Bytes = Bytes("-".utf8)
        while true {
            let reply = try await database.run(
                .page, [Bytes("1".utf8), from, Bytes(String(Self.batch).utf8), Names.queued])
            let page = reply.array?.first?.array?.compactMap(\.bytes) ?? []
            members += page
            guard page.count == Self.batch, let last = page.last else { break }
            from = Bytes("(".utf8) + last
        }
        var found: [GenerationID: StoredGeneration] = [:]
        for start in stride(from: 0, to: members.count, by: Self.batch) {
            let ids = members[start..<min(start + Self.batch, members.count)].compactMap { GenerationID(bytes: $0) }
            let values = try await database.look(ids.map { .record(Names.generation($0)) })
            for (id, value) in zip(ids, values) {
                guard let bytes = value.bytes else { continue }
                let record = try RecordForm.read(
                    GenerationRecord.self,
                    named: Names.generation(id),
                    bytes,
                    requests: database.requests
                )
                found[id] = record.row
            }
        }
        return found.values.sorted { $0.generation.id < $1.generation.id }
    }
}

extension StoreSigns {
    /// Tells of a transaction.
    func give(_ entry: LogEntry) {
        if entry.hasNewDeliveries { deliveries.give() }
        if entry.hasChangedKeys { keys.give() }
        if entry.concernsAllTasks { tasks.giveAll() } else { tasks.give(entry.tasks) }
        news.give(entry.news)
    }
}
