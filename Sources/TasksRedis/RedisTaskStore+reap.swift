import Redis
package import Tasks

extension RedisTaskStore {
    /// Leases that are looked at in one go.
    private static let batch = 256

    package func reap(_ policy: RetryPolicy) async throws(TaskStoreError) -> ReapedGenerations {
        var reaped = ReapedGenerations()
        while true {
            let now = clock.wallTime()
            let expired = try await read { try await self.expiredLeases(before: now) }
            for id in expired {
                switch try await reap(id, policy) {
                case .requeued: reaped.requeued += 1
                case .failed: reaped.failed += 1
                case .inTime: break
                }
            }
            if expired.count < Self.batch { return reaped }
        }
    }

    private enum Reaped: Sendable {
        case requeued
        case failed
        /// Its owner has come, or another process was quicker.
        case inTime
    }

    private func expiredLeases(before now: Timestamp) async throws -> [GenerationID] {
        let bounds = ["-inf", "(\(now.milliseconds)", "LIMIT", "0", "\(Self.batch)"].map { Bytes($0.utf8) }
        let reply = try await database.read("ZRANGEBYSCORE", [database.key(Names.leases)] + bounds)
        return (reply.array ?? []).compactMap { $0.bytes.flatMap { GenerationID(bytes: $0) } }
    }

    private func reap(_ id: GenerationID, _ policy: RetryPolicy) async throws(TaskStoreError) -> Reaped {
        try await perform { transaction in
            guard let found = try await transaction.waited(id), found.generation.row.generation.status == .running,
                let stop = found.generation.row.leaseDeadline, stop < transaction.now
            else { return .inTime }
            var generation = found.generation
            let failures = generation.row.generation.failures + 1
            switch policy.decision(afterFailures: failures, random: .random(in: 0...1)) {
            case .retry(let delay):
                let requeue = Requeue(delay: delay, countsAsFailure: true, failure: .leaseExpired)
                try await transaction.putBack(&generation, found.tasks, requeue, stoppedBy: stop)
                return .requeued
            case .giveUp:
                generation.row.generation.failures = failures
                generation.row.generation.failure = .leaseExpired
                try await transaction.apply(.failed, to: &generation, found.tasks, stoppedBy: stop)
                return .failed
            }
        }
    }
}
