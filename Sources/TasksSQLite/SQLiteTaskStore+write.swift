import GRDB
package import Tasks

extension SQLiteTaskStore {
    package func submit(_ new: NewTask, queueLimit: Int) async throws(TaskStoreError) -> Submission {
        try await commits.perform { write in
            if let replayed = try write.replay(of: new) {
                return Submission(task: replayed, disposition: .replayed)
            }
            let (generation, disposition) = try write.generation(for: new, queueLimit: queueLimit)
            let task = GenerationTask(
                id: new.id,
                tenant: new.tenant,
                status: generation.status,
                isCached: disposition == .cached,
                createdAt: write.now,
                finishedAt: disposition == .cached ? write.now : nil,
                callback: new.callback,
                generation: generation
            )
            try write.insert(task)
            try write.remember(new)
            return Submission(task: task, disposition: disposition)
        }
    }

    package func claim(_ request: ClaimRequest) async throws(TaskStoreError) -> ClaimedGeneration? {
        try await commits.perform { write in
            guard var row = try write.nextQueued() else { return nil }
            let deadline = write.now.advanced(by: request.duration)
            row.leaseOwner = request.owner.rawValue
            row.leaseDeadline = deadline
            row.fence += 1
            row.notBefore = Timestamp(milliseconds: 0)
            row.generation.attempts += 1
            row.generation.startedAt = write.now
            row.generation.progress = nil
            try write.apply(.claimed, to: &row)
            let lease = Lease(generation: row.generation.id, owner: request.owner, fence: row.fence, deadline: deadline)
            return ClaimedGeneration(generation: row.generation, lease: lease)
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
            case .succeeded(let result, let model, let answersKey):
                row.generation.result = result
                row.generation.model = model
                row.isAnswer = row.isAnswer && answersKey
                row.generation.failure = nil
                try write.apply(.succeeded, to: &row)
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
            guard var task = try write.task(id, of: tenant) else { return .notFound }
            guard !task.status.isTerminal else { return .alreadyEnded(task) }
            task.status = .cancelled
            task.finishedAt = write.now
            try write.update(task)
            try write.record(.cancelled, of: task)
            guard try write.waitingTasks(for: task.generation.id) == 0,
                var row = try write.generation(task.generation.id), !row.generation.status.isTerminal
            else {
                return .cancelled(task, abandoned: nil)
            }
            try write.apply(.cancelled, to: &row)
            task.generation = row.generation
            return .cancelled(task, abandoned: row.generation.id)
        }
    }

    package func reap(_ policy: RetryPolicy) async throws(TaskStoreError) -> Int {
        try await commits.perform { write in
            let expired = try write.running(expiredBefore: write.now)
            for var row in expired {
                let failure = TaskFailure(code: "lease_expired", message: "The worker stopped without a word.")
                switch policy.decision(afterFailures: row.generation.failures + 1, random: .random(in: 0...1)) {
                case .retry(let delay):
                    try write.putBack(&row, Requeue(delay: delay, countsAsFailure: true, failure: failure))
                case .giveUp:
                    row.generation.failures += 1
                    row.generation.failure = failure
                    try write.apply(.failed, to: &row)
                }
            }
            return expired.count
        }
    }

    package func remake(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> Submission {
        try await commits.perform { write in
            guard var task = try write.task(id, of: tenant) else { throw TaskStoreError.notFound }
            let lost = task.generation
            let disposition: Submission.Disposition
            if let answer = try write.answer(to: lost.key), answer.generation.id != lost.id {
                // Another request noticed before and has the video made already.
                task.generation = answer.generation
                disposition = answer.generation.status == .succeeded ? .cached : .joined
            } else {
                try write.withdrawAnswer(of: lost)
                task.generation = try write.insertGeneration(
                    for: NewTask(
                        id: id,
                        tenant: tenant,
                        key: lost.key,
                        request: lost.request,
                        seed: lost.seed,
                        model: lost.model,
                        priority: lost.priority
                    )
                )
                disposition = .queued
            }
            task.status = task.generation.status
            task.isCached = disposition == .cached
            task.finishedAt = task.status.isTerminal ? write.now : nil
            try write.update(task)
            try write.noteIfUnused(lost.id)
            if !task.status.isTerminal {
                try write.dropNewsOfSuccess(of: task)
                try write.record(Write.eventKind(of: task.status), of: task)
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
                try write.putBack(&row, Requeue(delay: .zero, countsAsFailure: false, failure: nil))
            }
        }
    }
}

extension Write {
    /// The task that an idempotency key stands for, if it was used before.
    ///
    /// - Throws: `idempotencyConflict` if it was used for something else.
    func replay(of new: NewTask) throws -> GenerationTask? {
        guard let idempotency = new.idempotency else { return nil }
        let statement = try db.cachedStatement(
            sql: "SELECT fingerprint, task_id FROM idempotency_keys WHERE tenant = ? AND key = ?"
        )
        guard let row = try Row.fetchOne(statement, arguments: [new.tenant.rawValue, idempotency.key]) else {
            return nil
        }
        let id = try taskID(row[1])
        guard row[0] == idempotency.fingerprint else { throw TaskStoreError.idempotencyConflict(id) }
        return try task(id, of: new.tenant)
    }

    /// The generation that a new task is attached to.
    ///
    /// - Throws: `queueFull`, and then nothing has changed.
    func generation(
        for new: NewTask,
        queueLimit: Int
    ) throws -> (generation: Generation, disposition: Submission.Disposition) {
        let answer = new.cache == .off ? nil : try answer(to: new.key)?.generation
        switch (answer, answer?.status) {
        case (let finished?, .succeeded) where new.cache == .use:
            return (finished, .cached)
        case (let finished?, .succeeded):
            try checkRoom(limit: queueLimit)
            try withdrawAnswer(of: finished)
        case (let inFlight?, _):
            return (try raised(inFlight, to: new.priority), .joined)
        case (nil, _):
            try checkRoom(limit: queueLimit)
        }
        return (try insertGeneration(for: new), .queued)
    }

    /// A generation in flight that is at least as urgent as the task that joins it.
    private func raised(_ generation: Generation, to priority: Int) throws -> Generation {
        guard priority > generation.priority else { return generation }
        try execute("UPDATE generations SET priority = ? WHERE id = ?", [priority, generation.id.rawValue])
        var raised = generation
        raised.priority = priority
        effects.changedTasks += try tasks(of: raised)
        return raised
    }

    /// Keeps the idempotency key of a new task.
    func remember(_ new: NewTask) throws {
        guard let idempotency = new.idempotency else { return }
        try execute(
            """
            INSERT OR REPLACE INTO idempotency_keys (tenant, key, fingerprint, task_id, created_at)
            VALUES (?, ?, ?, ?, ?)
            """,
            [
                new.tenant.rawValue, idempotency.key, idempotency.fingerprint, new.id.bytes, now.milliseconds,
            ]
        )
    }

    /// - Throws: `queueFull` if no further generation may wait.
    func checkRoom(limit: Int) throws {
        guard effects.queuedGenerations < limit else { throw TaskStoreError.queueFull(limit: limit) }
    }

    /// Puts a running generation back into the queue.
    func putBack(_ row: inout GenerationRow, _ requeue: Requeue) throws {
        row.generation.progress = nil
        row.generation.failure = requeue.failure
        row.generation.plan = requeue.plan ?? row.generation.plan
        if requeue.countsAsFailure { row.generation.failures += 1 }
        row.notBefore = requeue.delay > .zero ? now.advanced(by: requeue.delay) : Timestamp(milliseconds: 0)
        try apply(.requeued, to: &row)
    }
}
