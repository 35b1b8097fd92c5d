import Redis
package import Tasks

extension RedisTaskStore {
    package func submit(_ new: NewTask, limits: AdmissionLimits) async throws(TaskStoreError) -> Submission {
        try await perform { transaction in
            // Everything at one moment, and the numbers that may be needed: gaps in them do no harm.
            var lookups: [StoreDatabase.Lookup] = [.next(Names.generationNumber)]
            if let key = new.idempotency?.key { lookups.append(.record(Names.idempotency(key, of: new.tenant))) }
            if new.callback != nil { lookups.append(.next(Names.deliveryNumber)) }
            let own = lookups.count
            lookups += Transaction.lookups(for: new, at: transaction.now)
            let replies = try await transaction.database.look(lookups)
            guard let number = replies[0].integer else { throw DamagedRecord.form }
            if let idempotency = new.idempotency,
                let replayed = try await transaction.replay(idempotency, of: new.tenant, replies[1])
            {
                return Submission(task: replayed, disposition: .replayed)
            }
            if new.callback != nil { transaction.deliveryNumbers = replies[own - 1].integer.map { [$0] } ?? [] }
            let (generation, disposition) = try await transaction.attach(new, limits, replies[own...], number)
            var task = TaskRecord(
                new,
                generation: generation.row.generation,
                isCached: disposition == .cached,
                at: transaction.now
            )
            try await transaction.record(TaskEvent.Kind(task.status), of: &task)
            transaction.write(task)
            if let idempotency = new.idempotency {
                transaction.remember(idempotency, of: new.tenant, for: Bytes(new.id.bytes))
            }
            return Submission(task: task.task(generation.row.generation), disposition: disposition)
        }
    }

    package func prospect(of task: NewTask, limits: AdmissionLimits) async throws(TaskStoreError) -> Prospect {
        let now = clock.wallTime()
        return try await read {
            // Judged by the same code as a submission; nothing is committed.
            let look = Transaction(self.database, now: now)
            let replies = try await self.database.look(Transaction.lookups(for: task, at: now))
            return switch try look.attachment(of: task, limits, replies[...]) {
            case .cached(let record): .cached(record.row.generation)
            case .joined(let record): .joined(record.row.generation)
            case .new: .queued
            }
        }
    }

    package func claim(_ request: ClaimRequest) async throws(TaskStoreError) -> ClaimedGeneration? {
        if let id = request.generation {
            return try await perform { try await $0.claim(id, request) }
        }
        return try await claims.run { () async throws(TaskStoreError) -> ClaimedGeneration? in
            var attempts = 0
            return try await self.perform { transaction in
                let heads = try await self.follower.read(at: transaction.now) { $0.heads(at: transaction.now) }
                guard let first = heads.first else { return nil }
                if let claimed = try await transaction.claim(first.id, request) { return claimed }
                if try await transaction.isQueued(first.id) {
                    // By this process's clock it may not be taken yet; or what others have just changed is not known here.
                    attempts += 1
                    guard attempts < 20 else { return nil }
                }
                // Another process was quicker: once its entry of the log is known here, another is first.
                throw ConflictError(logNumber: try await transaction.logNumber())
            }
        }
    }

    package func renew(
        _ lease: Lease,
        for duration: Duration,
        progress: GenerationProgress?
    ) async throws(TaskStoreError) -> Lease {
        try await perform { transaction in
            let found = try await transaction.held(lease)
            var generation = found.generation
            var renewed = lease
            renewed.deadline = transaction.now.advanced(by: duration)
            generation.row.leaseDeadline = renewed.deadline
            if let progress { generation.row.generation.progress = progress }
            transaction.write(generation)
            transaction.log.tasks += found.tasks.map(\.id)
            guard progress != nil else { return renewed }
            for var task in found.tasks {
                guard let callback = task.callback, callback.events.contains(.progress) else { continue }
                guard try await transaction.isProgressDue(of: task) else { continue }
                try await transaction.insertDelivery(of: .progress, of: &task, to: callback)
                transaction.write(task)
            }
            return renewed
        }
    }

    package func finish(_ lease: Lease, with outcome: GenerationOutcome) async throws(TaskStoreError) {
        try await perform { transaction in
            let found = try await transaction.held(lease)
            var generation = found.generation
            switch outcome {
            case .succeeded(let result, let model, let answers):
                generation.row.generation.result = result
                generation.row.generation.model = model
                generation.row.generation.failure = nil
                let key = generation.row.generation.key
                let answersOther = generation.row.isAnswer && answers != key
                generation.row.isAnswer = generation.row.isAnswer && answers == key
                try await transaction.apply(.succeeded, to: &generation, found.tasks)
                if answersOther, let answers { try await transaction.insertAnswer(to: answers, of: generation) }
                try await transaction.restore(result.video)
            case .failed(let failure):
                generation.row.generation.failure = failure
                try await transaction.apply(.failed, to: &generation, found.tasks)
            }
        }
    }

    package func requeue(_ lease: Lease, _ requeue: Requeue) async throws(TaskStoreError) {
        try await perform { transaction in
            let found = try await transaction.held(lease)
            var generation = found.generation
            try await transaction.putBack(&generation, found.tasks, requeue)
        }
    }

    package func cancel(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> CancelOutcome {
        try await perform { try await $0.cancel(id, of: tenant).outcome }
    }

    package func remove(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> CancelOutcome {
        try await perform { transaction in
            let cancelled = try await transaction.cancel(id, of: tenant)
            if var task = cancelled.task {
                task.removedAt = transaction.now
                transaction.write(task)
                transaction.log.tasks.append(id)
            }
            return cancelled.outcome
        }
    }

    package func setPriority(
        _ priority: Int,
        of id: TaskID,
        of tenant: TenantID
    ) async throws(TaskStoreError) -> GenerationTask? {
        try await perform { transaction in
            guard let found = try await transaction.task(id, of: tenant) else { return nil }
            var generation = found.generation
            // A task that was cancelled has no say in a generation that goes on for others.
            guard found.task.status == .queued else { return found.task.task(generation.row.generation) }
            generation.row.generation.priority = priority
            transaction.write(generation)
            transaction.log.queue.append(.inserted(generation.row.waiting))
            transaction.log.tell(.queue)
            try await transaction.noteChanged(tasksOf: generation.id)
            return found.task.task(generation.row.generation)
        }
    }

    package func remake(_ id: TaskID, of tenant: TenantID) async throws(TaskStoreError) -> Submission {
        try await perform { transaction in
            guard let found = try await transaction.task(id, of: tenant) else { throw TaskStoreError.notFound }
            var task = found.task
            let lost = found.generation
            let disposition: Submission.Disposition
            let generation: GenerationRecord
            if let answer = try await transaction.otherAnswer(than: lost) {
                // Another request noticed before and has the video made already.
                generation = answer
                disposition = answer.row.generation.status == .succeeded ? .cached : .joined
            } else {
                transaction.withdrawAnswer(of: lost)
                let limit = try await transaction.runningLimit(of: tenant)
                let old = task.task(lost.row.generation)
                let new = NewTask(remaking: lost.row, for: old, runningLimit: limit)
                generation = transaction.insertGeneration(
                    for: new,
                    as: try await transaction.next(Names.generationNumber)
                )
                disposition = .queued
            }
            task.generation = generation.id
            task.status = generation.row.generation.status
            task.isCached = disposition == .cached
            task.finishedAt = task.status.isTerminal ? transaction.now : nil
            transaction.noteIfUnused(lost.id)
            transaction.log.tasks.append(id)
            if !task.status.isTerminal {
                try await transaction.dropNewsOfSuccess(of: &task)
                try await transaction.record(TaskEvent.Kind(task.status), of: &task)
            }
            transaction.write(task)
            return Submission(task: task.task(generation.row.generation), disposition: disposition)
        }
    }

    package func expire(_ videos: [String]) async throws(TaskStoreError) {
        // One at a time: each is complete in itself, and few share a moment with a generation that makes the same.
        for video in videos { try await perform { try await $0.expire(video) } }
    }

    package func restore(_ videos: [String]) async throws(TaskStoreError) {
        for video in videos { try await perform { try await $0.restore(video) } }
    }
}
