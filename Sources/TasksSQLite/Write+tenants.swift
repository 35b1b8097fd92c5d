import Foundation
import GRDB
import Tasks

/// What tenants may have, and have had.
extension Write {
    /// Checks that one more task of a tenant may wait.
    ///
    /// - Throws: `tenantLimit`, and then nothing has changed.
    func checkPlace(for new: NewTask, _ limits: AdmissionLimits) throws {
        guard let limit = limits.waitingTasks else { return }
        let waiting = try row(
            "SELECT COUNT(*) FROM (SELECT 1 FROM tasks WHERE tenant = ? AND status = 'queued' LIMIT ?)",
            [new.tenant.rawValue, limit]
        )
        guard (waiting?[0] ?? 0) < limit else { throw TaskStoreError.tenantLimit(.waitingTasks(limit)) }
    }

    /// Checks that a tenant may have the device time of one more generation.
    ///
    /// - Throws: `tenantLimit`, and then nothing has changed.
    func checkDeviceTime(for new: NewTask, _ limits: AdmissionLimits) throws {
        guard let limit = limits.deviceSecondsPerDay else { return }
        let used = try row(
            "SELECT device_seconds FROM usage WHERE day = ? AND tenant = ?",
            [now.day, new.tenant.rawValue]
        )
        let outstanding = queue.read(at: now) { $0.outstandingCost(of: new.tenant) }
        guard (used?[0] ?? 0) + outstanding + new.cost <= limit else {
            throw TaskStoreError.tenantLimit(.deviceSeconds(limit, retryAfter: now.duration(to: now.nextDay)))
        }
    }

    /// Notes the device time of an attempt, on the day on which it ended.
    func noteDeviceTime(_ seconds: Double, of tenant: TenantID, on day: Int64) throws {
        try execute(
            """
            INSERT INTO usage (tenant, day, device_seconds) VALUES (?, ?, ?)
            ON CONFLICT (day, tenant) DO UPDATE SET device_seconds = device_seconds + excluded.device_seconds
            """,
            [tenant.rawValue, day, seconds]
        )
    }
}

/// What clients have made safe against doing it twice.
extension Write {
    /// What an idempotency key of a tenant was used for; `nil`: nothing yet.
    ///
    /// - Throws: `idempotencyConflict` if that was something else.
    func subject(of idempotency: NewTask.Idempotency, of tenant: TenantID) throws -> Data? {
        let found = try row(
            "SELECT fingerprint, task_id FROM idempotency_keys WHERE tenant = ? AND key = ?",
            [tenant.rawValue, idempotency.key]
        )
        guard let found else { return nil }
        guard found[0] == idempotency.fingerprint else {
            throw TaskStoreError.idempotencyConflict(TaskID(bytes: found[1]))
        }
        return found[1]
    }

    /// Keeps what an idempotency key was used for.
    func remember(_ idempotency: NewTask.Idempotency, of tenant: TenantID, for subject: Data) throws {
        try execute(
            """
            INSERT OR REPLACE INTO idempotency_keys (tenant, key, fingerprint, task_id, created_at)
            VALUES (?, ?, ?, ?, ?)
            """,
            [tenant.rawValue, idempotency.key, idempotency.fingerprint, subject, now.milliseconds]
        )
    }
}
