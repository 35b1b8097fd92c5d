import Foundation
import Redis
import Tasks

/// Submissions and claims.
extension Transaction {
    /// The generation that a new task is attached to.
    func attach(
        _ new: NewTask,
        _ limits: AdmissionLimits,
        _ replies: ArraySlice<RESPValue>,
        _ number: Int64
    ) async throws -> (generation: GenerationRecord, disposition: Submission.Disposition) {
        switch try attachment(of: new, limits, replies) {
        case .cached(let generation): return (generation, .cached)
        case .joined(let generation): return (try await join(generation, by: new), .joined)
        case .new(let finished):
            for generation in finished { withdrawAnswer(of: generation) }
            return (insertGeneration(for: new, as: number), .queued)
        }
    }

    /// The task that an idempotency key stands for, if it was used before.
    ///
    /// - Throws: `idempotencyConflict` if it was used for something else.
    func replay(
        _ idempotency: NewTask.Idempotency,
        of tenant: TenantID,
        _ reply: RESPValue
    ) async throws -> GenerationTask? {
        guard let subject = try subject(of: idempotency, of: tenant, reply) else { return nil }
        guard let id = TaskID(bytes: Data(subject)) else { throw DamagedRecord.short }
        return try await task(id, of: tenant).map { $0.task.task($0.generation.row.generation) }
    }

    /// What an idempotency key of a tenant was used for; `nil`: nothing yet.
    ///
    /// - Throws: `idempotencyConflict` if that was something else.
    func subject(of idempotency: NewTask.Idempotency, of tenant: TenantID, _ reply: RESPValue) throws -> Bytes? {
        let name = Names.idempotency(idempotency.key, of: tenant)
        guard let known = try note(IdempotencyRecord.self, name, reply) else { return nil }
        guard known.fingerprint == idempotency.fingerprint else {
            throw TaskStoreError.idempotencyConflict(TaskID(bytes: Data(known.subject)))
        }
        return known.subject
    }

    /// Keeps what an idempotency key was used for.
    func remember(_ idempotency: NewTask.Idempotency, of tenant: TenantID, for subject: Bytes) {
        write(IdempotencyRecord(idempotency, of: tenant, for: subject, at: now))
    }

    /// Takes a generation, if it waits, is in its time, and its tenant may have one more that runs.
    func claim(_ id: GenerationID, _ request: ClaimRequest) async throws -> ClaimedGeneration? {
        guard let found = try await waited(id), found.generation.row.generation.status == .queued,
            found.generation.row.notBefore <= now
        else { return nil }
        var generation = found.generation
        let tenant = Bytes(generation.row.generation.tenant.rawValue.utf8)
        let counts = try await database.look([.field(Names.runningLimits, tenant), .field(Names.running, tenant)])
        if let limit = counts[0].integer {
            guard counts[1].integer ?? 0 < limit else { return nil }
            requireRoom(in: Names.running, tenant, below: Int(clamping: limit))
        }
        let deadline = now.advanced(by: request.duration)
        generation.row.leaseOwner = request.owner.rawValue
        generation.row.leaseDeadline = deadline
        generation.row.fence += 1
        generation.row.notBefore = Timestamp(milliseconds: 0)
        generation.row.generation.attempts += 1
        generation.row.generation.startedAt = now
        generation.row.generation.progress = nil
        generation.row.generation.plan = request.plan ?? generation.row.generation.plan
        try await apply(.claimed, to: &generation, found.tasks)
        return ClaimedGeneration(
            generation: generation.row.generation,
            lease: Lease(generation: id, owner: request.owner, fence: generation.row.fence, deadline: deadline),
            tasks: found.tasks.map { WaitingTask(id: $0.id, trace: $0.trace) }
        )
    }

    /// Whether it waits.
    func isQueued(_ id: GenerationID) async throws -> Bool {
        try await waited(id)?.generation.row.generation.status == .queued
    }

    /// The last entry of the log.
    func logNumber() async throws -> Int64 {
        try await database.read("GET", [database.key(Names.logNumber)]).integer ?? 0
    }
}
