import GRDB
package import Tasks

extension SQLiteTaskStore {
    package func submit(_ new: NewTask, limits: AdmissionLimits) async throws(TaskStoreError) -> Submission {
        try await commits.perform { write in
            if let replayed = try write.replay(of: new) {
                return Submission(task: replayed, disposition: .replayed)
            }
            let (generation, disposition) = try write.generation(for: new, limits)
            let task = GenerationTask(
                id: new.id,
                tenant: new.tenant,
                status: generation.status,
                isCached: disposition == .cached,
                createdAt: write.now,
                finishedAt: disposition == .cached ? write.now : nil,
                callback: new.callback,
                accessKey: new.accessKey,
                remixedFrom: new.remixedFrom,
                trace: new.trace,
                generation: generation
            )
            try write.insert(task)
            try write.remember(new)
            return Submission(task: task, disposition: disposition)
        }
    }

    package func claim(_ request: ClaimRequest) async throws(TaskStoreError) -> ClaimedGeneration? {
        try await commits.perform { write in
            guard var row = try write.takeQueued(request.generation) else { return nil }
            let deadline = write.now.advanced(by: request.duration)
            row.leaseOwner = request.owner.rawValue
            row.leaseDeadline = deadline
            row.fence += 1
            row.notBefore = Timestamp(milliseconds: 0)
            row.generation.attempts += 1
            row.generation.startedAt = write.now
            row.generation.progress = nil
            row.generation.plan = request.plan ?? row.generation.plan
            let tasks = try write.apply(.claimed, to: &row).sorted { $0.id < $1.id }
            let lease = Lease(generation: row.generation.id, owner: request.owner, fence: row.fence, deadline: deadline)
            return ClaimedGeneration(
                generation: row.generation,
                lease: lease,
                tasks: tasks.map { WaitingTask(id: $0.id, trace: $0.trace) }
            )
        }
    }

    package func renew(
        _ lease: Lease,
        for duration: Duration,
        progress: GenerationProgress?
    ) async throws(TaskStoreError) -> Lease {
        try await commits.perform { write in
            var row = try write.held(lease)
            var renewed = lease
            renewed.deadline = write.now.advanced(by: duration)
            row.leaseDeadline = renewed.deadline
            if let progress { row.generation.progress = progress }
            try write.writeProgress(row, isNews: progress != nil)
            return renewed
        }
    }

    package func finish(_ lease: Lease, with outcome: GenerationOutcome) async throws(TaskStoreError) {
        try await commits.perform { write in
            var row = try write.held(lease)
            switch outcome {
            case .succeeded(let result, let model, let answers):
                row.generation.result = result
                row.generation.model = model
                row.generation.failure = nil
                let answersOther = row.isAnswer && answers != row.generation.key
                row.isAnswer = row.isAnswer && answers == row.generation.key
                try write.apply(.succeeded, to: &row)
                if answersOther, let answers { try write.insertAnswer(to: answers, of: row) }
                try write.restore(result.video)
            case .failed(let failure):
                row.generation.failure = failure
                try write.apply(.failed, to: &row)
            }
        }
    }

    package func requeue(_ lease: Lease, _ requeue: Requeue) async throws(TaskStoreError) {
        try await commits.perform { write in
            var row = try write.held(lease)
            try write.putBack(&row, requeue)
        }
    }

    package func cancel(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> CancelOutcome {
        try await commits.perform { write in
            try write.cancel(id, of: tenant)
        }
    }

    package func remove(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> CancelOutcome {
        try await commits.perform { write in
            let outcome = try write.cancel(id, of: tenant)
            let removed = try write.execute(
                "UPDATE tasks SET removed_at = ? WHERE tenant = ? AND id = ? AND removed_at IS NULL",
                [write.now.milliseconds, tenant.rawValue, id.bytes]
            )
            if removed > 0 { write.effects.removedTasks.append(id) }
            return outcome
        }
    }

    package func reap(_ policy: RetryPolicy) async throws(TaskStoreError) -> ReapedGenerations {
        try await commits.perform { write in
            var reaped = ReapedGenerations()
            let expired = try write.running(expiredBefore: write.now)
            for var row in expired {
                let stop = row.leaseDeadline
                switch policy.decision(afterFailures: row.generation.failures + 1, random: .random(in: 0...1)) {
                case .retry(let delay):
                    let requeue = Requeue(delay: delay, countsAsFailure: true, failure: .leaseExpired)
                    try write.putBack(&row, requeue, stoppedBy: stop)
                    reaped.requeued += 1
                case .giveUp:
                    row.generation.failures += 1
                    row.generation.failure = .leaseExpired
                    try write.apply(.failed, to: &row, stoppedBy: stop)
                    reaped.failed += 1
                }
            }
            return reaped
        }
    }

    package func remake(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> Submission {
        try await commits.perform { write in
            guard var task = try write.task(id, of: tenant),
                let lost = try write.generation(task.generation.id)
            else { throw TaskStoreError.notFound }
            let disposition: Submission.Disposition
            if let answer = try write.otherAnswer(than: lost) {
                // Another request noticed before and has the video made already.
                task.generation = answer
                disposition = answer.status == .succeeded ? .cached : .joined
            } else {
                try write.withdrawAnswer(of: lost.generation)
                let tenant = task.tenant
                let limit = write.queue.read(at: write.now) { $0.runningLimit(of: tenant) }
                let new = NewTask(remaking: lost, for: task, runningLimit: limit)
                task.generation = try write.insertGeneration(for: new)
                disposition = .queued
            }
            task.status = task.generation.status
            task.isCached = disposition == .cached
            task.finishedAt = task.status.isTerminal ? write.now : nil
            try write.update(task)
            try write.noteIfUnused(lost.generation.id)
            if !task.status.isTerminal {
                try write.dropNewsOfSuccess(of: task)
                try write.record(TaskEvent.Kind(task.status), of: task)
            }
            return Submission(task: task, disposition: disposition)
        }
    }

    /// Puts back what a previous process was working on.
    ///
    /// This process owns the database alone, so nobody can hold those leases; and the end of a server is no fault of
    /// the generation.
    func requeueOrphans() async throws(TaskStoreError) {
        try await commits.perform { write in
            for var row in try write.running(expiredBefore: nil) {
                let requeue = Requeue(delay: .zero, countsAsFailure: false, failure: nil)
                try write.putBack(&row, requeue, stoppedBy: row.leaseDeadline)
            }
        }
    }
}

extension Write {
    /// The task that an idempotency key stands for, if it was used before.
    ///
    /// - Throws: `idempotencyConflict` if it was used for something else.
    func replay(of new: NewTask) throws -> GenerationTask? {
        guard let idempotency = new.idempotency, let subject = try subject(of: idempotency, of: new.tenant) else {
            return nil
        }
        return try task(taskID(subject), of: new.tenant)
    }

    /// Keeps the idempotency key of a new task.
    func remember(_ new: NewTask) throws {
        guard let idempotency = new.idempotency else { return }
        try remember(idempotency, of: new.tenant, for: new.id.bytes)
    }

    /// Cancels a task, and its generation if nobody else wants it.
    func cancel(_ id: TaskID, of tenant: TenantID) throws -> CancelOutcome {
        guard var task = try task(id, of: tenant) else { return .notFound }
        guard !task.status.isTerminal else { return .alreadyEnded(task) }
        task.status = .cancelled
        task.finishedAt = now
        try update(task)
        try record(.cancelled, of: task)
        guard try waitingTasks(for: task.generation.id) == 0,
            var row = try generation(task.generation.id), !row.generation.status.isTerminal
        else {
            return .cancelled(task, abandoned: nil)
        }
        let wasRunning = row.generation.status == .running
        try apply(.cancelled, to: &row)
        if wasRunning { effects.tell(.abandoned(row.generation.id)) }
        task.generation = row.generation
        return .cancelled(task, abandoned: row.generation.id)
    }

    /// Puts a running generation back into the queue.
    ///
    /// - Parameters:
    ///   - row: the generation.
    ///   - requeue: how it goes back.
    ///   - stop: as for `apply`.
    /// - Throws: as `apply`.
    func putBack(_ row: inout GenerationRow, _ requeue: Requeue, stoppedBy stop: Timestamp? = nil) throws {
        row.generation.progress = nil
        row.generation.failure = requeue.failure
        row.generation.plan = requeue.plan ?? row.generation.plan
        row.memoryBytes = requeue.memoryBytes ?? row.memoryBytes
        if requeue.countsAsFailure { row.generation.failures += 1 }
        row.notBefore = requeue.delay > .zero ? now.advanced(by: requeue.delay) : Timestamp(milliseconds: 0)
        try apply(.requeued, to: &row, stoppedBy: stop)
    }
}
