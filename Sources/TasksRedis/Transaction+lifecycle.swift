import Redis
import Tasks

/// The changes that tasks and generations go through.
extension Transaction {
    /// Takes a generation through an event: itself, the tasks that wait for it, their events.
    ///
    /// - Parameters:
    ///   - event: what has happened.
    ///   - generation: itself.
    ///   - tasks: those that wait for it.
    ///   - stop: when it had stopped running at the latest, if that was not now.
    /// - Throws: an illegal transition, or what Redis says.
    func apply(
        _ event: LifecycleEvent,
        to generation: inout GenerationRecord,
        _ tasks: [TaskRecord],
        stoppedBy stop: Timestamp? = nil
    ) async throws {
        let before = generation.row.generation.status
        let status = try TaskLifecycle.status(after: event, in: before)
        generation.row.generation.status = status
        if status != .running {
            generation.row.leaseOwner = nil
            generation.row.leaseDeadline = nil
        }
        switch status {
        case .failed, .cancelled: generation.row.isAnswer = false
        case .queued, .running, .succeeded: break
        }
        write(generation)
        tellQueue(of: generation.row, before: before, at: min(stop ?? now, now))
        let kind: TaskEvent.Kind = event == .requeued ? .requeued : TaskEvent.Kind(status)
        try await reserveNumbers(for: kind, tasks)
        for var task in tasks {
            task.status = status
            task.finishedAt = status.isTerminal ? now : nil
            try await record(kind, of: &task)
            write(task)
        }
    }

    /// Adds an event, and a delivery if the task's callback wants to be told of it.
    func record(_ kind: TaskEvent.Kind, of task: inout TaskRecord) async throws {
        task.newEvents.append(StoredEvent(kind: kind, at: now))
        log.tasks.append(task.id)
        if let callback = task.callback, let event = kind.callbackEvent, callback.events.contains(event) {
            try await insertDelivery(of: event, of: &task, to: callback)
        }
    }

    /// Tells the queue what became of a generation.
    private func tellQueue(of row: StoredGeneration, before: TaskStatus, at end: Timestamp) {
        let id = row.generation.id
        if before == .running {
            let started = row.generation.startedAt ?? end
            let seconds = max(0, started.duration(to: end).inSeconds)
            log.queue.append(.settled(id, actual: seconds))
            if seconds > 0 { noteDeviceTime(seconds, of: row.generation.tenant, on: end.day) }
            // Of its tenant one more may run.
            log.tell(.queue)
        }
        switch row.generation.status {
        case .queued:
            log.queue.append(.inserted(row.waiting))
            log.tell(.queue)
        case .running: log.queue.append(.taken(id, at: now))
        case .succeeded, .failed, .cancelled: log.queue.append(.removed(id))
        }
    }

    /// Notes the device time of an attempt, on the day on which it ended.
    private func noteDeviceTime(_ seconds: Double, of tenant: TenantID, on day: Int64) {
        add(Int64((min(seconds, 1e9) * 1000).rounded()), to: Names.usage(day), Bytes(tenant.rawValue.utf8))
        add(day.bytes, to: Names.usageDays, score: day)
    }

    /// Puts a running generation back into the queue.
    func putBack(
        _ generation: inout GenerationRecord,
        _ tasks: [TaskRecord],
        _ requeue: Requeue,
        stoppedBy stop: Timestamp? = nil
    ) async throws {
        generation.row.generation.progress = nil
        generation.row.generation.failure = requeue.failure
        generation.row.generation.plan = requeue.plan ?? generation.row.generation.plan
        generation.row.memoryBytes = requeue.memoryBytes ?? generation.row.memoryBytes
        if requeue.countsAsFailure { generation.row.generation.failures += 1 }
        generation.row.notBefore =
            requeue.delay > .zero ? now.advanced(by: requeue.delay) : Timestamp(milliseconds: 0)
        try await apply(.requeued, to: &generation, tasks, stoppedBy: stop)
    }

    /// Lets `purge` look whether a generation is still in use.
    func noteIfUnused(_ id: GenerationID) {
        add(id.bytes, to: Names.unused, score: 0)
    }

    /// Cancels a task, and its generation if nobody else wants it.
    ///
    /// - Returns: the outcome, and the task as it is then.
    func cancel(
        _ id: TaskID,
        of tenant: TenantID
    ) async throws -> (outcome: CancelOutcome, task: TaskRecord?) {
        guard let parts = try await database.look([.taskWaiting(id)])[0].array, let first = parts.first else {
            throw DamagedRecord.form
        }
        guard var task = try note(TaskRecord.self, Names.task(id), first), task.tenant == tenant,
            task.removedAt == nil
        else { return (.notFound, nil) }
        guard parts.count == 2, let found = try noteWaited(task.generation, parts[1]) else {
            throw DamagedRecord(reason: "a task has no generation")
        }
        var generation = found.generation
        guard !task.status.isTerminal else {
            return (.alreadyEnded(task.task(generation.row.generation)), task)
        }
        task.status = .cancelled
        task.finishedAt = now
        try await record(.cancelled, of: &task)
        write(task)
        let isWanted = found.tasks.contains { $0.id != id }
        guard !isWanted, !generation.row.generation.status.isTerminal else {
            return (.cancelled(task.task(generation.row.generation), abandoned: nil), task)
        }
        let wasRunning = generation.row.generation.status == .running
        try await apply(.cancelled, to: &generation, [])
        if wasRunning { log.tell(.abandoned(generation.id)) }
        return (.cancelled(task.task(generation.row.generation), abandoned: generation.id), task)
    }
}
