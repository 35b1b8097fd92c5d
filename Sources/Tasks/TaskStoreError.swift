/// Why a store could not do what it was asked.
package enum TaskStoreError: Error, Sendable, Equatable {
    /// The tenant has as much under way, or has had as much today, as it may.
    case tenantLimit(TenantLimit)
    /// There are as many keys as may be.
    case tooManyKeys(limit: Int)
    /// As many generations wait as may.
    case queueFull(limit: Int)
    /// The idempotency key was used for another request: that of a task, or for something else.
    case idempotencyConflict(TaskID?)
    /// The lease ran out, was taken by another, or the generation is not wanted any more. Stop and write nothing.
    case leaseLost
    /// No such task.
    case notFound
    /// With one more upload of so many bytes the tenant would have more than it may.
    case uploadQuotaExceeded(quota: Int64)
    /// More writes wait than the store takes.
    case overloaded
    /// The storage does not work: full, read-only, damaged, unreachable.
    case unavailable(String)

    /// Stable, snake_case.
    package var code: String {
        switch self {
        case .tenantLimit(.waitingTasks): "waiting_limit"
        case .tenantLimit(.deviceSeconds): "device_seconds_limit"
        case .tooManyKeys: "too_many_keys"
        case .queueFull: "queue_full"
        case .idempotencyConflict: "idempotency_conflict"
        case .leaseLost: "lease_lost"
        case .notFound: "task_not_found"
        case .uploadQuotaExceeded: "upload_quota_exceeded"
        case .overloaded: "store_overloaded"
        case .unavailable: "store_unavailable"
        }
    }

    /// Whether the same call may succeed later.
    package var isRetryable: Bool {
        switch self {
        case .tenantLimit, .queueFull, .overloaded, .unavailable: true
        case .tooManyKeys, .idempotencyConflict, .leaseLost, .notFound, .uploadQuotaExceeded: false
        }
    }
}

/// Which of a tenant's limits one more task would exceed.
package enum TenantLimit: Sendable, Equatable {
    /// So many tasks may wait.
    case waitingTasks(Int)
    /// So many seconds of device time in a day of UTC; after that time there are new ones.
    case deviceSeconds(Double, retryAfter: Duration)
}
