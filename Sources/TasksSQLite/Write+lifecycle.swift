import GRDB
import Tasks

/// The changes that tasks and generations go through.
extension Write {
    /// Stores a new generation in the queue.
    func insertGeneration(for task: NewTask) throws -> Generation {
        try execute(
            """
            INSERT INTO generations (key, is_answer, request, seed, model, status, priority, created_at)
            VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)
            """,
            [
                task.key.rawValue, task.cache != .off, task.request.canonicalBytes, Int64(task.seed), task.model,
                task.priority, now.milliseconds,
            ]
        )
        effects.queuedGenerations += 1
        let id = GenerationID(rawValue: db.lastInsertedRowID)
        for media in Set(task.request.inputs.values) {
            try execute("INSERT INTO generation_media (media, generation_id) VALUES (?, ?)", [media.hex, id.rawValue])
        }
        return Generation(
            id: id,
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
        let callback = task.callback
        try execute(
            """
            INSERT INTO tasks (
                tenant, id, generation_id, status, is_cached, created_at, finished_at,
                callback_url, callback_receiver, callback_events, callback_origin
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                task.tenant.rawValue, task.id.bytes, task.generation.id.rawValue, task.status.rawValue, task.isCached,
                task.createdAt.milliseconds, task.finishedAt?.milliseconds, callback?.url.text, callback?.url.receiver,
                callback.map { CallbackEventList.text($0.events) }, callback?.origin,
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

    /// Adds an event to the outbox, and a delivery if the task's callback wants to be told of it.
    func record(_ kind: TaskEvent.Kind, of task: GenerationTask) throws {
        try execute(
            "INSERT INTO events (tenant, task_id, kind, at) VALUES (?, ?, ?, ?)",
            [task.tenant.rawValue, task.id.bytes, kind.rawValue, now.milliseconds]
        )
        if let callback = task.callback, let event = kind.callbackEvent, callback.events.contains(event) {
            try insertDelivery(of: event, of: task, to: callback)
        }
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
        if row.generation.status.isTerminal, !row.generation.request.inputs.isEmpty {
            try execute("DELETE FROM generation_media WHERE generation_id = ?", [row.generation.id.rawValue])
        }
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

    /// Writes what a renewal changes, and lets readers and receivers know.
    func writeProgress(_ row: GenerationRow, isNews: Bool) throws {
        try write(row)
        let tasks = try tasks(of: row.generation)
        effects.changedTasks += tasks
        guard isNews else { return }
        for task in tasks where !task.status.isTerminal {
            guard let callback = task.callback, callback.events.contains(.progress) else { continue }
            guard try isProgressDue(of: task) else { continue }
            try insertDelivery(of: .progress, of: task, to: callback)
        }
    }

    /// Writes every column of a generation that ever changes.
    func write(_ row: GenerationRow) throws {
        let generation = row.generation
        let result = generation.result
        let plan = generation.plan
        try execute(
            """
            UPDATE generations SET is_answer = ?, model = ?, status = ?, attempts = ?, failures = ?, not_before = ?,
                lease_owner = ?, lease_deadline = ?, fence = ?, stage = ?, step = ?, total_steps = ?,
                video = ?, bytes = ?, width = ?, height = ?, rendered_width = ?, rendered_height = ?,
                num_frames = ?, fps = ?, failure_code = ?, failure_message = ?, started_at = ?, memory_mode = ?,
                plan_memory_mode = ?, plan_width = ?, plan_height = ?, plan_num_frames = ?
            WHERE id = ?
            """,
            [
                row.isAnswer, generation.model, generation.status.rawValue, generation.attempts, generation.failures,
                row.notBefore.milliseconds, row.leaseOwner, row.leaseDeadline?.milliseconds, row.fence,
                generation.progress?.stage.rawValue, generation.progress?.step, generation.progress?.totalSteps,
                result?.video, result?.bytes, result?.width, result?.height, result?.renderedWidth,
                result?.renderedHeight, result?.numFrames, result?.fps, generation.failure?.code,
                generation.failure?.message, generation.startedAt?.milliseconds, result?.memoryMode?.rawValue,
                plan.memoryMode?.rawValue, plan.shape?.width, plan.shape?.height, plan.shape?.numFrames,
                generation.id.rawValue,
            ]
        )
    }

    /// Makes a generation stop answering its key.
    func withdrawAnswer(of generation: Generation) throws {
        try execute("UPDATE generations SET is_answer = 0 WHERE id = ?", [generation.id.rawValue])
        effects.changedAnswers.insert(generation.key)
        try noteIfUnused(generation.id)
    }

    /// Lets `purge` find a generation that no task has and that answers nothing.
    func noteIfUnused(_ id: GenerationID) throws {
        try execute(
            """
            UPDATE generations SET is_unused = 1
            WHERE id = ? AND is_answer = 0 AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.generation_id = generations.id)
            """,
            [id.rawValue]
        )
    }

    /// What the outbox says of a task that has come to a status.
    static func eventKind(of status: TaskStatus) -> TaskEvent.Kind {
        switch status {
        case .queued: .queued
        case .running: .running
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}
