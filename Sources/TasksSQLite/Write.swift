import Foundation
import GRDB
import Tasks

/// What a transaction does beside its rows, carried out once it is committed.
struct WriteEffects {
    /// How many generations wait.
    var queuedGenerations: Int
    var newTasks: [GenerationTask] = []
    var changedTasks: [GenerationTask] = []
    /// Finished generations that answer their keys.
    var answers: [GenerationRow] = []
    /// Keys that nothing answers any more.
    var withdrawnAnswers: Set<GenerationKey> = []
}

/// One transaction in the making: the statements that the operations of the store are made of.
///
/// Used on the writing thread only, within one transaction.
final class Write {
    let db: Database
    /// The store's time; one for the whole transaction.
    let now: Timestamp
    private(set) var effects: WriteEffects
    private let finished: FinishedAnswers

    init(db: Database, now: Timestamp, queuedGenerations: Int, finished: FinishedAnswers) {
        self.db = db
        self.now = now
        self.finished = finished
        effects = WriteEffects(queuedGenerations: queuedGenerations)
    }

    // MARK: Reading

    /// The task of this tenant.
    func task(_ id: TaskID, of tenant: TenantID) throws -> GenerationTask? {
        try row("\(TaskRow.select) WHERE t.tenant = ? AND t.id = ?", [tenant.rawValue, id.bytes]).map(TaskRow.task)
    }

    /// The generation that equal requests are answered by.
    func answer(to key: GenerationKey) throws -> GenerationRow? {
        if let known = finished[key], !effects.withdrawnAnswers.contains(key) { return known }
        let found = try row(
            "SELECT \(GenerationRow.columns) FROM generations g WHERE g.key = ? AND g.is_answer = 1",
            [key.rawValue]
        ).map(GenerationRow.init)
        if let found, found.generation.status == .succeeded { effects.answers.append(found) }
        return found
    }

    /// Makes a generation stop answering its key.
    func withdrawAnswer(of generation: Generation) throws {
        try execute("UPDATE generations SET is_answer = 0 WHERE id = ?", [generation.id.rawValue])
        effects.withdrawnAnswers.insert(generation.key)
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
        return try GenerationRow(row: found)
    }

    /// The next generation to work on.
    func nextQueued() throws -> GenerationRow? {
        try row(
            """
            SELECT \(GenerationRow.columns) FROM generations g
            WHERE g.status = 'queued' AND g.not_before <= ? ORDER BY g.priority DESC, g.id LIMIT 1
            """,
            [now.milliseconds]
        ).map(GenerationRow.init)
    }

    /// Generations that run under leases that ran out before a moment; all that run, if there is no moment.
    func running(expiredBefore moment: Timestamp?) throws -> [GenerationRow] {
        let statement = try db.cachedStatement(
            sql:
                "SELECT \(GenerationRow.columns) FROM generations g WHERE g.status = 'running' AND g.lease_deadline < ?"
        )
        return try Row.fetchAll(statement, arguments: [moment?.milliseconds ?? .max]).map(GenerationRow.init)
    }

    /// How many tasks still wait for a generation.
    func waitingTasks(for generation: GenerationID) throws -> Int {
        let statement = try db.cachedStatement(
            sql: "SELECT COUNT(*) FROM tasks WHERE generation_id = ? AND status IN ('queued', 'running')"
        )
        return try Int.fetchOne(statement, arguments: [generation.rawValue]) ?? 0
    }

    private func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }

    // MARK: Writing

    /// Stores a new generation in the queue.
    func insertGeneration(for task: NewTask) throws -> Generation {
        try execute(
            """
            INSERT INTO generations (key, request, seed, model, status, priority, created_at)
            VALUES (?, ?, ?, ?, 'queued', ?, ?)
            """,
            [
                task.key.rawValue, task.request.canonicalBytes, Int64(task.seed), task.model, task.priority,
                now.milliseconds,
            ]
        )
        effects.queuedGenerations += 1
        return Generation(
            id: GenerationID(rawValue: db.lastInsertedRowID),
            key: task.key,
            request: task.request,
            seed: task.seed,
            model: task.model,
            status: .queued,
            priority: task.priority,
            attempts: 0,
            failures: 0,
            progress: nil,
            result: nil,
            failure: nil,
            createdAt: now,
            startedAt: nil
        )
    }

    /// Stores a new task with the event of its status.
    func insert(_ task: GenerationTask) throws {
        try execute(
            """
            INSERT INTO tasks (tenant, id, generation_id, status, is_cached, created_at, finished_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                task.tenant.rawValue, task.id.bytes, task.generation.id.rawValue, task.status.rawValue, task.isCached,
                task.createdAt.milliseconds, task.finishedAt?.milliseconds,
            ]
        )
        try record(Self.eventKind(of: task.status), of: task)
        effects.newTasks.append(task)
    }

    /// Writes a task's status, result flag and generation.
    func update(_ task: GenerationTask) throws {
        try execute(
            """
            UPDATE tasks SET generation_id = ?, status = ?, is_cached = ?, finished_at = ?
            WHERE tenant = ? AND id = ?
            """,
            [
                task.generation.id.rawValue, task.status.rawValue, task.isCached, task.finishedAt?.milliseconds,
                task.tenant.rawValue, task.id.bytes,
            ]
        )
        effects.changedTasks.append(task)
    }

    /// Adds an event to the outbox.
    func record(_ kind: TaskEvent.Kind, of task: GenerationTask) throws {
        try execute(
            "INSERT INTO events (tenant, task_id, kind, at) VALUES (?, ?, ?, ?)",
            [task.tenant.rawValue, task.id.bytes, kind.rawValue, now.milliseconds]
        )
    }

    /// Takes a generation through an event: its row, its waiting tasks, their events.
    func apply(_ event: LifecycleEvent, to row: inout GenerationRow) throws {
        let before = row.generation.status
        row.generation.status = try TaskLifecycle.status(after: event, in: before)
        if before == .queued { effects.queuedGenerations -= 1 }
        if row.generation.status == .queued { effects.queuedGenerations += 1 }
        if row.generation.status != .running {
            row.leaseOwner = nil
            row.leaseDeadline = nil
        }
        switch row.generation.status {
        case .failed, .cancelled: row.isAnswer = false
        case .queued, .running, .succeeded: break
        }
        try write(row)
        for var task in try tasks(of: row.generation) {
            guard !task.status.isTerminal else {
                effects.changedTasks.append(task)
                continue
            }
            task.status = row.generation.status
            task.finishedAt = task.status.isTerminal ? now : nil
            try update(task)
            try record(event == .requeued ? .requeued : Self.eventKind(of: task.status), of: task)
        }
    }

    /// Writes what a renewal changes, and lets readers see it.
    func writeProgress(_ row: GenerationRow) throws {
        try write(row)
        effects.changedTasks += try tasks(of: row.generation)
    }

    /// Writes every column of a generation that ever changes.
    func write(_ row: GenerationRow) throws {
        let generation = row.generation
        let result = generation.result
        try execute(
            """
            UPDATE generations SET is_answer = ?, model = ?, status = ?, attempts = ?, failures = ?, not_before = ?,
                lease_owner = ?, lease_deadline = ?, fence = ?, stage = ?, step = ?, total_steps = ?,
                video = ?, bytes = ?, width = ?, height = ?, rendered_width = ?, rendered_height = ?,
                num_frames = ?, fps = ?, failure_code = ?, failure_message = ?, started_at = ?
            WHERE id = ?
            """,
            [
                row.isAnswer, generation.model, generation.status.rawValue, generation.attempts, generation.failures,
                row.notBefore.milliseconds, row.leaseOwner, row.leaseDeadline?.milliseconds, row.fence,
                generation.progress?.stage.rawValue, generation.progress?.step, generation.progress?.totalSteps,
                result?.video, result?.bytes, result?.width, result?.height, result?.renderedWidth,
                result?.renderedHeight, result?.numFrames, result?.fps, generation.failure?.code,
                generation.failure?.message, generation.startedAt?.milliseconds, generation.id.rawValue,
            ]
        )
    }

    /// Every task that is attached to a generation, ended ones included.
    private func tasks(of generation: Generation) throws -> [GenerationTask] {
        let statement = try db.cachedStatement(
            sql: "SELECT \(TaskRow.columns) FROM tasks t WHERE t.generation_id = ?"
        )
        return try Row.fetchAll(statement, arguments: [generation.id.rawValue])
            .map { try TaskRow.task($0, generation: generation) }
    }

    /// Runs a statement with arguments.
    func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    private static func eventKind(of status: TaskStatus) -> TaskEvent.Kind {
        switch status {
        case .queued: .queued
        case .running: .running
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}
