/// Tenants of which only so much may run at the same time.
extension FairQueue {
    /// Whether as much of a tenant runs as may.
    func isHeld(_ tenant: TenantID) -> Bool {
        guard let limit = runningLimits[tenant] else { return false }
        return running[tenant, default: 0] >= limit
    }

    /// The same by the tenant's number.
    func isHeld(_ tenant: Int32) -> Bool {
        guard !runningLimits.isEmpty, let name = tenants[tenant] else { return false }
        return isHeld(name)
    }

    /// How many generations of a tenant may run; `nil`: any number.
    package func runningLimit(of tenant: TenantID) -> Int? { runningLimits[tenant] }

    /// Tenants of which only so many may run.
    package var limitedTenants: [TenantID] { Array(runningLimits.keys) }

    /// Takes over how many generations of a tenant may run; `nil`: any number.
    package mutating func setRunningLimit(of tenant: TenantID, to limit: Int?) {
        // Below 1 nothing would ever run.
        let limit = limit.map { max(1, $0) }
        guard runningLimits[tenant] != limit else { return }
        let wasHeld = isHeld(tenant)
        runningLimits[tenant] = limit
        refreshFlows(of: tenant, unlessHeldAs: wasHeld)
    }

    /// Counts what runs of a tenant.
    mutating func noteRunning(of tenant: TenantID, by change: Int) {
        let wasHeld = isHeld(tenant)
        let count = running[tenant, default: 0] + change
        running[tenant] = count > 0 ? count : nil
        refreshFlows(of: tenant, unlessHeldAs: wasHeld)
    }

    /// Predicted seconds of device time of what waits and runs of a tenant.
    ///
    /// Costs O(levels · lanes), and O(1) for each that runs or is before its time.
    package func outstandingCost(of tenant: TenantID) -> Double {
        let running = charges.values.reduce(0) { $1.tenant == tenant ? $0 + $1.cost : $0 }
        guard let number = tenants.number(of: tenant) else { return running }
        let waiting = levels.reduce(running) { sum, level in
            (level.members[number] ?? []).reduce(sum) { $0 + flows[$1].cost }
        }
        return delayed.items.reduce(waiting) {
            entries[$1.slot].tenant == number ? $0 + entries[$1.slot].cost : $0
        }
    }

    private mutating func refreshFlows(of tenant: TenantID, unlessHeldAs wasHeld: Bool) {
        guard isHeld(tenant) != wasHeld, let number = tenants.number(of: tenant) else { return }
        for priority in levels.map(\.priority) {
            guard let level = levelIndex(priority) else { continue }
            for flow in levels[level].members[number] ?? [] where flows[flow].count > 0 { refreshFlow(flow) }
        }
    }
}
