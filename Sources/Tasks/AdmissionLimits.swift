/// How much may wait when a task is submitted.
package struct AdmissionLimits: Sendable, Equatable {
    /// Generations of all tenants together; a task that joins or is cached needs no place.
    package var queue: Int
    /// Tasks of the tenant that wait, this one included; `nil`: no limit.
    ///
    /// One that is cached does not count.
    package var waitingTasks: Int?
    /// Seconds of device time of the tenant in this day of UTC; `nil`: no limit.
    ///
    /// What was used, and what is predicted for what waits and runs, this one included; one that joins or is cached costs
    /// nothing.
    package var deviceSecondsPerDay: Double?

    package init(queue: Int, waitingTasks: Int? = nil, deviceSecondsPerDay: Double? = nil) {
        self.queue = queue
        self.waitingTasks = waitingTasks
        self.deviceSecondsPerDay = deviceSecondsPerDay
    }
}

/// What a tenant has under way and has had today.
package struct TenantUsage: Sendable, Equatable {
    package var tenant: TenantID
    /// Tasks that wait.
    package var waiting: Int
    /// Tasks that run.
    package var running: Int
    /// Seconds of device time in this day of UTC.
    package var deviceSecondsToday: Double
    /// Of its uploads.
    package var storageBytes: Int64

    package init(
        tenant: TenantID,
        waiting: Int = 0,
        running: Int = 0,
        deviceSecondsToday: Double = 0,
        storageBytes: Int64 = 0
    ) {
        self.tenant = tenant
        self.waiting = waiting
        self.running = running
        self.deviceSecondsToday = deviceSecondsToday
        self.storageBytes = storageBytes
    }
}
