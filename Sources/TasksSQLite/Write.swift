import GRDB
import Tasks

/// One transaction in the making: the statements that the operations of the store are made of.
///
/// Used on the writing thread only, within one transaction; what only looks may also be asked of a reader.
final class Write {
    let db: Database
    /// The store's time; one for the whole transaction.
    let now: Timestamp
    var effects: WriteEffects
    /// Receivers whose pending deliveries have changed; `settleReceivers` brings their rows up to date.
    var touchedReceivers: Set<String> = []
    /// What waits; told of every change as it is made.
    let queue: WaitingQueue
    let requests: RequestCache
    private let finished: FinishedAnswers

    init(db: Database, now: Timestamp, queue: WaitingQueue, requests: RequestCache, finished: FinishedAnswers) {
        self.db = db
        self.now = now
        self.queue = queue
        self.requests = requests
        self.finished = finished
        effects = WriteEffects()
    }

    // MARK: Reading

    /// The task of this tenant.
    func task(_ id: TaskID, of tenant: TenantID) throws -> GenerationTask? {
        try row(
            "\(TaskRow.select) WHERE t.tenant = ? AND t.id = ? AND t.removed_at IS NULL",
            [tenant.rawValue, id.bytes]
        ).map(TaskRow.task)
    }

    /// The generation that equal requests are answered by.
    func answer(to key: GenerationKey) throws -> GenerationRow? {
        if let known = finished[key], !effects.changedAnswers.contains(key) { return known }
        let found = try row(
            "SELECT \(GenerationRow.columns) FROM generations g WHERE g.key = ? AND g.is_answer = 1",
            [key.rawValue]
        ).map(generationRow)
        if let found, found.generation.status == .succeeded { effects.answers.append(found) }
        return found
    }

    /// The generation of this id.
    func generation(_ id: GenerationID) throws -> GenerationRow? {
        try row("SELECT \(GenerationRow.columns) FROM generations g WHERE g.id = ?", [id.rawValue])
            .map(generationRow)
    }

    /// The generation of a lease.
    ///
    /// - Throws: `leaseLost` unless it runs under exactly this lease.
    func held(_ lease: Lease) throws -> GenerationRow {
        let found = try row(
            """
            SELECT \(GenerationRow.columns) FROM generations g
            WHERE g.id = ? AND g.status = 'running' AND g.lease_owner = ? AND g.fence = ?
            """,
            [lease.generation.rawValue, lease.owner.rawValue, lease.fence]
        )
        guard let found else { throw TaskStoreError.leaseLost }
        return try generationRow(found)
    }

    /// Generations that run under leases that ran out before a moment; all that run, if there is no moment.
    func running(expiredBefore moment: Timestamp?) throws -> [GenerationRow] {
        try rows(
            "SELECT \(GenerationRow.columns) FROM generations g WHERE g.status = 'running' AND g.lease_deadline < ?",
            [moment?.milliseconds ?? .max]
        ).map(generationRow)
    }

    private func generationRow(_ row: Row) throws -> GenerationRow {
        try GenerationRow(row: row, requests: requests)
    }

    /// How many tasks still wait for a generation.
    func waitingTasks(for generation: GenerationID) throws -> Int {
        let statement = try db.cachedStatement(
            sql: "SELECT COUNT(*) FROM tasks WHERE generation_id = ? AND status IN ('queued', 'running')"
        )
        return try Int.fetchOne(statement, arguments: [generation.rawValue]) ?? 0
    }

    /// Every task that is attached to a generation, ended ones included.
    func tasks(of generation: Generation) throws -> [GenerationTask] {
        try rows("SELECT \(TaskRow.columns) FROM tasks t WHERE t.generation_id = ?", [generation.id.rawValue])
            .map { try TaskRow.task($0, generation: generation) }
    }

    // MARK: Statements

    /// The first row of a query.
    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }

    /// The rows of a query.
    func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
        try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
    }

    /// Runs a statement with arguments.
    ///
    /// - Returns: the rows that it has changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: StatementArguments) throws -> Int {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
        return db.changesCount
    }
}
