import Redis
package import Tasks

/// What waits, answered from memory: what this process has written is in it.
extension RedisTaskStore {
    package func heads() async throws(TaskStoreError) -> QueueHeads {
        let now = clock.wallTime()
        return try await fromMemory {
            try await self.follower.read(at: now) { queue in
                QueueHeads(
                    heads: queue.heads(at: now),
                    count: queue.count,
                    cost: queue.cost,
                    nextDelayed: queue.nextDelayed,
                    countByPriority: queue.countByPriority
                )
            }
        }
    }

    package func companions(
        of generation: GenerationID,
        limit: Int
    ) async throws(TaskStoreError) -> [WaitingGeneration] {
        let now = clock.wallTime()
        return try await fromMemory {
            try await self.follower.read(at: now) { $0.companions(of: generation, limit: limit, at: now) }
        }
    }

    package func waiting(limit: Int) async throws(TaskStoreError) -> [WaitingGeneration] {
        let now = clock.wallTime()
        return try await fromMemory {
            try await self.follower.read(at: now) { $0.order(limit: limit, at: now) }
        }
    }

    package func ahead(of tenant: TenantID, weight: Double, priority: Int) async throws(TaskStoreError) -> Double {
        let now = clock.wallTime()
        return try await fromMemory {
            try await self.follower.read(at: now) {
                $0.ahead(of: tenant, weight: weight, priority: priority, at: now)
            }
        }
    }

    package func usage() async throws(TaskStoreError) -> [TenantUsage] {
        let now = clock.wallTime()
        return try await read {
            var usage: [TenantID: TenantUsage] = [:]
            func each(_ hash: Bytes, _ note: (inout TenantUsage, Int64) -> Void) async throws {
                let fields = try await self.database.read("HGETALL", [self.database.key(hash)]).array ?? []
                for index in stride(from: 0, to: fields.count - 1, by: 2) {
                    let tenant = TenantID(rawValue: fields[index].text ?? "")
                    note(&usage[tenant, default: TenantUsage(tenant: tenant)], fields[index + 1].integer ?? 0)
                }
            }
            try await each(Names.waitingTasks) { $0.waiting = Int($1) }
            try await each(Names.runningTasks) { $0.running = Int($1) }
            try await each(Names.usage(now.day)) { $0.deviceSecondsToday = Double($1) / 1000 }
            try await each(Names.uploadedBytes) { $0.storageBytes = $1 }
            for upload in try await self.expiredUploads(Names.uploadExpiry, at: now, limit: 10_000) {
                usage[upload.upload.tenant]?.storageBytes -= upload.upload.media.bytes
            }
            return usage.values.filter { $0 != TenantUsage(tenant: $0.tenant) }
                .sorted { $0.tenant.rawValue < $1.tenant.rawValue }
        }
    }
}
