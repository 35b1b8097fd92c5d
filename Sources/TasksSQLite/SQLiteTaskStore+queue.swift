package import Tasks

extension SQLiteTaskStore {
    package func prospect(of task: NewTask, limits: AdmissionLimits) async throws(TaskStoreError) -> Prospect {
        let (queue, now) = (queue, clock.wallTime())
        return try await read { db in
            // Judged by the same code as a submission, on a connection that cannot write.
            let look = Write(db: db, now: now, queue: queue, requests: RequestCache(), finished: FinishedAnswers())
            return switch try look.attachment(of: task, limits) {
            case .cached(let generation): .cached(generation)
            case .joined(let row): .joined(row.generation)
            case .new: .queued
            }
        }
    }
}

/// What waits, answered from memory.
extension SQLiteTaskStore {
    package func heads() async throws(TaskStoreError) -> QueueHeads {
        queue.heads(at: clock.wallTime())
    }

    package func companions(
        of generation: GenerationID,
        limit: Int
    ) async throws(TaskStoreError) -> [WaitingGeneration] {
        let now = clock.wallTime()
        return queue.read(at: now) { $0.companions(of: generation, limit: limit, at: now) }
    }

    package func waiting(limit: Int) async throws(TaskStoreError) -> [WaitingGeneration] {
        let now = clock.wallTime()
        return queue.read(at: now) { $0.order(limit: limit, at: now) }
    }

    package func ahead(of tenant: TenantID, weight: Double, priority: Int) async throws(TaskStoreError) -> Double {
        let now = clock.wallTime()
        return queue.read(at: now) { $0.ahead(of: tenant, weight: weight, priority: priority, at: now) }
    }
}
