import GRDB
import Tasks

/// Which generation answers which request.
extension Write {
    /// What a new task is to be attached to.
    enum Attachment {
        case cached(Generation)
        case joined(GenerationRow)
        /// A generation of its own; the finished ones are no answer any more.
        case new(withdrawing: [Generation])
    }

    /// The generation that a new task is attached to.
    ///
    /// - Throws: `queueFull` or `tenantLimit`, and then nothing has changed.
    func generation(
        for new: NewTask,
        _ limits: AdmissionLimits
    ) throws -> (generation: Generation, disposition: Submission.Disposition) {
        switch try attachment(of: new, limits) {
        case .cached(let generation):
            return (generation, .cached)
        case .joined(let row):
            return (try joined(row, by: new), .joined)
        case .new(let finished):
            for generation in finished { try withdrawAnswer(of: generation) }
            return (try insertGeneration(for: new), .queued)
        }
    }

    /// Looks what a new task is to be attached to; changes nothing.
    ///
    /// A request that may be made with less is answered by the same request made in full, finished or not, before it is
    /// by its own equals.
    ///
    /// - Throws: `queueFull` or `tenantLimit`.
    func attachment(of new: NewTask, _ limits: AdmissionLimits) throws -> Attachment {
        var finished: [Generation] = []
        if new.cache != .off {
            for key in [new.fullKey, new.key].compactMap(\.self) {
                guard let answer = try answer(to: key) else { continue }
                guard answer.generation.status == .succeeded else {
                    if answer.generation.status == .queued { try checkPlace(for: new, limits) }
                    return .joined(answer)
                }
                guard new.cache != .use else { return .cached(answer.generation) }
                finished.append(answer.generation)
            }
        }
        try checkPlace(for: new, limits)
        try checkDeviceTime(for: new, limits)
        guard queue.count < limits.queue else { throw TaskStoreError.queueFull(limit: limits.queue) }
        return .new(withdrawing: finished)
    }

    /// A generation in flight, at least as urgent as the task that joins it, and alone on its device if that wants it.
    private func joined(_ answer: GenerationRow, by new: NewTask) throws -> Generation {
        var row = answer
        row.generation.priority = max(row.generation.priority, new.priority)
        // One that runs already goes on as it began.
        let isWaiting = row.generation.status == .queued
        if isWaiting, new.isDeterministic { row.generation.isDeterministic = true }
        guard row.generation != answer.generation else { return row.generation }
        try execute(
            "UPDATE generations SET priority = ?, is_deterministic = ? WHERE id = ?",
            [row.generation.priority, row.generation.isDeterministic, row.generation.id.rawValue]
        )
        if isWaiting {
            queue.insert(row.waiting)
        } else {
            effects.tell(.raised(row.generation.id, priority: row.generation.priority))
        }
        effects.changedTasks += try tasks(of: row.generation)
        return row.generation
    }

    /// Stores a new generation in the queue.
    func insertGeneration(for task: NewTask) throws -> Generation {
        let request = task.request.canonicalBytes
        requests.keep(task.request, request)
        try execute(
            """
            INSERT INTO generations (
                key, is_answer, request, seed, model, status, priority, created_at, tenant, weight, cost, memory_bytes,
                is_deterministic, full_key, running_limit, trace
            ) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                task.key.rawValue, task.cache != .off, request, Int64(task.seed), task.model,
                task.priority, now.milliseconds, task.tenant.rawValue, task.weight, task.cost, task.memoryBytes,
                task.isDeterministic, task.fullKey?.rawValue, task.runningLimit, task.trace?.text,
            ]
        )
        let row = GenerationRow(waitingFor: task, as: GenerationID(rawValue: db.lastInsertedRowID), since: now)
        for media in Set(task.request.inputs.values) {
            try execute(
                "INSERT INTO generation_media (media, generation_id) VALUES (?, ?)",
                [media.hex, row.generation.id.rawValue]
            )
        }
        queue.admit(row.waiting)
        effects.tell(.queue)
        return row.generation
    }

    /// Lets a video answer the requests that ask for just what was made, if nothing answers them yet.
    ///
    /// Under a generation of its own that nobody waited for: the tasks of the one that made it asked for something else,
    /// and go on saying so.
    func insertAnswer(to key: GenerationKey, of row: GenerationRow) throws {
        guard try answer(to: key) == nil else { return }
        let generation = row.generation
        try execute(
            """
            INSERT INTO generations (
                key, request, seed, model, status, priority, created_at, tenant, weight, cost, memory_bytes,
                is_deterministic, fence
            ) VALUES (?, ?, ?, ?, 'succeeded', ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                key.rawValue, generation.request.reduced(by: generation.plan).canonicalBytes, Int64(generation.seed),
                generation.model, generation.priority, generation.createdAt.milliseconds, generation.tenant.rawValue,
                row.weight, row.cost, row.memoryBytes, generation.isDeterministic, row.fence,
            ]
        )
        var answer = row
        answer.generation.id = GenerationID(rawValue: db.lastInsertedRowID)
        answer.generation.plan = AttemptPlan()
        answer.isAnswer = true
        try write(answer)
    }

    /// The generation that answers the requests of one whose video is gone, if another does.
    func otherAnswer(than lost: GenerationRow) throws -> Generation? {
        for key in [lost.fullKey, lost.generation.key].compactMap(\.self) {
            let answer = try answer(to: key)?.generation
            if let answer, answer.id != lost.generation.id { return answer }
        }
        return nil
    }

    /// Makes a generation stop answering its key.
    func withdrawAnswer(of generation: Generation) throws {
        try execute("UPDATE generations SET is_answer = 0 WHERE id = ?", [generation.id.rawValue])
        effects.changedAnswers.insert(generation.key)
        try noteIfUnused(generation.id)
    }
}
