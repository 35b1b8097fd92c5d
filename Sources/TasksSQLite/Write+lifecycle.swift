import GRDB
import Tasks

/// The changes that tasks and generations go through.
extension Write {
    /// Stores a new task with the event of its status.
    func insert(_ task: GenerationTask) throws {
        let callback = task.callback
        try execute(
            """
            INSERT INTO tasks (
                tenant, id, generation_id, status, is_cached, created_at, finished_at,
                callback_url, callback_receiver, callback_events, callback_origin, access_key, remixed_from,
                trace
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                task.tenant.rawValue, task.id.bytes, task.generation.id.rawValue, task.status.rawValue, task.isCached,
                task.createdAt.milliseconds, task.finishedAt?.milliseconds, callback?.url.text, callback?.url.receiver,
                callback.map { CallbackEventList.text($0.events) }, callback?.origin, task.accessKey?.rawValue,
                task.remixedFrom?.bytes, task.trace?.text,
            ]
        )
        try record(TaskEvent.Kind(task.status), of: task)
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
    ///
    /// - Parameters:
    ///   - event: what has happened.
    ///   - row: the generation.
    ///   - stop: when it had stopped running at the latest, if that was not now.
    /// - Returns: the tasks that were taken along.
    /// - Throws: what SQLite says, or an illegal transition.
    @discardableResult
    func apply(
        _ event: LifecycleEvent,
        to row: inout GenerationRow,
        stoppedBy stop: Timestamp? = nil
    ) throws -> [GenerationTask] {
        let before = row.generation.status
        row.generation.status = try TaskLifecycle.status(after: event, in: before)
        if row.generation.status != .running {
            row.leaseOwner = nil
            row.leaseDeadline = nil
        }
        switch row.generation.status {
        case .failed, .cancelled: row.isAnswer = false
        case .queued, .running, .succeeded: break
        }
        try write(row)
        try tellQueue(of: row, before: before, at: min(stop ?? now, now))
        if row.generation.status.isTerminal, !row.generation.request.inputs.isEmpty {
            try execute("DELETE FROM generation_media WHERE generation_id = ?", [row.generation.id.rawValue])
        }
        var moved: [GenerationTask] = []
        for var task in try tasks(of: row.generation) {
            guard !task.status.isTerminal else {
                effects.changedTasks.append(task)
                continue
            }
            task.status = row.generation.status
            task.finishedAt = task.status.isTerminal ? now : nil
            try update(task)
            try record(event == .requeued ? .requeued : TaskEvent.Kind(task.status), of: task)
            moved.append(task)
        }
        return moved
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

    /// Writes every column of a generation that has changed or may have: those of its video only once there is one.
    func write(_ row: GenerationRow) throws {
        let generation = row.generation
        let plan = generation.plan
        var arguments: StatementArguments = [
            row.isAnswer, generation.status.rawValue, generation.attempts, generation.failures,
            row.notBefore.milliseconds, row.leaseOwner, row.leaseDeadline?.milliseconds, row.fence,
            generation.progress?.stage.rawValue, generation.progress?.step, generation.progress?.totalSteps,
            generation.failure?.code, generation.failure?.message, generation.startedAt?.milliseconds,
            plan.memoryMode?.rawValue, plan.shape?.width, plan.shape?.height, plan.shape?.numFrames, plan.steps,
            plan.stepCache?.rawValue, row.memoryBytes,
        ]
        if let result = generation.result {
            arguments += [
                generation.model, result.video, result.bytes, result.width, result.height, result.renderedWidth,
                result.renderedHeight, result.numFrames, result.fps, result.memoryMode?.rawValue, result.steps,
                result.stepCache?.rawValue,
            ]
        }
        arguments += [generation.id.rawValue]
        try execute(generation.result == nil ? Self.updateAttempt : Self.updateResult, arguments)
    }

    private static let updateAttempt = "UPDATE generations SET \(attemptColumns) WHERE id = ?"
    private static let updateResult = "UPDATE generations SET \(attemptColumns), \(resultColumns) WHERE id = ?"

    private static let attemptColumns = """
        is_answer = ?, status = ?, attempts = ?, failures = ?, not_before = ?, lease_owner = ?, lease_deadline = ?, \
        fence = ?, stage = ?, step = ?, total_steps = ?, failure_code = ?, failure_message = ?, started_at = ?, \
        plan_memory_mode = ?, plan_width = ?, plan_height = ?, plan_num_frames = ?, plan_steps = ?, \
        plan_step_cache = ?, memory_bytes = ?
        """

    private static let resultColumns = """
        model = ?, video = ?, bytes = ?, width = ?, height = ?, rendered_width = ?, rendered_height = ?, \
        num_frames = ?, fps = ?, memory_mode = ?, made_steps = ?, made_step_cache = ?
        """

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
}
