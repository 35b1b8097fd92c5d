import Tasks

/// Counts what happens in a simulation; the report and the pictures are made from it.
struct Tally: Sendable {
    /// Of one group of tenants.
    struct Group: Sendable {
        var counts = SimulationReport.Counts()
        var wait = DurationHistogram()
        var answer = DurationHistogram()
    }

    /// Of one group of devices.
    struct Devices: Sendable {
        var busySeconds = 0.0
        /// In which devices were there or coming; `nil`: all of them always were.
        var paidSeconds: Double?
        var generations = 0
        var loads = 0
    }

    /// Earlier requests do not count for waits and answers.
    private let warmUp: Double
    var groups: [Group]
    var devices: [Devices]
    /// Seconds of device time by tenant.
    var deviceSeconds: [Double]
    var queueLength = TimeSeries()
    /// Devices that compute.
    var busyDevices = TimeSeries()
    /// Devices that are there or coming.
    var paidDevices = TimeSeries()
    /// Devices that were asked for.
    var starts = 0

    init(scenario: Scenario, tenants: Int) {
        warmUp = scenario.warmUp
        groups = [Group](repeating: Group(), count: scenario.traffic.count)
        devices = [Devices](repeating: Devices(), count: scenario.fleet.count)
        deviceSeconds = [Double](repeating: 0, count: tenants)
    }

    /// Counts how long a generation waited.
    ///
    /// - Parameters:
    ///   - seconds: that it waited.
    ///   - group: of its tenant.
    ///   - time: when it was asked for.
    mutating func addWait(_ seconds: Double, of group: Int, askedAt time: Double) {
        if time >= warmUp { groups[group].wait.add(seconds) }
    }

    /// Counts how long requests took from being made to the video.
    ///
    /// - Parameters:
    ///   - seconds: that each took.
    ///   - group: of the tenants.
    ///   - time: when they were made.
    ///   - count: of the requests.
    mutating func addAnswer(_ seconds: Double, of group: Int, askedAt time: Double, count: Int = 1) {
        if time >= warmUp { groups[group].answer.add(seconds, times: Int64(count)) }
    }

    /// The report at the end.
    ///
    /// - Parameters:
    ///   - scenario: what was simulated.
    ///   - tenantGroups: the group of each tenant.
    ///   - seconds: how long it took, in its own time.
    /// - Returns: the report.
    func report(of scenario: Scenario, tenantGroups: [Int], seconds: Double) -> SimulationReport {
        var wait = DurationHistogram()
        for group in groups { wait.merge(group.wait) }
        let devices = zip(scenario.fleet, self.devices).map { deviceReport($0, $1, seconds: seconds) }
        let costs = devices.map(\.cost)
        let cost = costs.contains(nil) ? nil : costs.reduce(0) { $0 + ($1 ?? 0) }
        let all = groups.reduce(into: SimulationReport.Counts()) { $0.add($1.counts) }
        let count = Double(max(scenario.fleet.reduce(0) { $0 + $1.count }, 1))
        let scaling = scenario.scaling.map { _ in
            SimulationReport.Scaling(mean: paidDevices.mean, peak: Int(paidDevices.peak), starts: starts)
        }
        return SimulationReport(
            seconds: seconds,
            counts: all,
            wait: .init(wait),
            utilisation: busyDevices.mean / (scaling.map { max($0.mean, .leastNormalMagnitude) } ?? count),
            queue: .init(mean: queueLength.mean, peak: queueLength.peak, end: all.waiting),
            fairness: Fairness.jain(shares(of: scenario, tenantGroups: tenantGroups).map(\.share)),
            cost: cost,
            costPerVideo: all.finished > 0 ? cost.map { $0 / Double(all.finished) } : nil,
            priorities: priorityReports(of: scenario),
            tenants: tenantReports(of: scenario, tenantGroups: tenantGroups),
            devices: devices,
            scaling: scaling
        )
    }

    /// What each tenant got for its weight, in seconds of device time.
    func shares(of scenario: Scenario, tenantGroups: [Int]) -> [(group: Int, share: Double)] {
        zip(tenantGroups, deviceSeconds).map { group, seconds in (group, seconds / scenario.traffic[group].weight) }
    }

    private func deviceReport(
        _ group: DeviceGroup,
        _ tally: Devices,
        seconds: Double
    ) -> SimulationReport.Devices {
        let hours = (tally.paidSeconds ?? Double(group.count) * seconds) / 3600
        return SimulationReport.Devices(
            name: group.name,
            kind: group.kind,
            count: group.count,
            utilisation: hours > 0 ? tally.busySeconds / 3600 / hours : 0,
            deviceHours: hours,
            busyHours: tally.busySeconds / 3600,
            generations: tally.generations,
            loads: tally.loads,
            pricePerHour: group.pricePerHour,
            cost: group.pricePerHour.map { $0 * hours }
        )
    }

    private func priorityReports(of scenario: Scenario) -> [SimulationReport.Priority] {
        TaskPriority.allCases.compactMap { priority in
            var wait = DurationHistogram()
            for (settings, group) in zip(scenario.traffic, groups) where settings.priority == priority {
                wait.merge(group.wait)
            }
            return wait.count > 0 ? .init(priority: priority.rawValue, wait: .init(wait)) : nil
        }
    }

    private func tenantReports(of scenario: Scenario, tenantGroups: [Int]) -> [SimulationReport.Tenants] {
        let shares = shares(of: scenario, tenantGroups: tenantGroups)
        return scenario.traffic.enumerated().map { index, settings in
            let own = shares.filter { $0.group == index }.map(\.share)
            return SimulationReport.Tenants(
                name: settings.name,
                tenants: settings.tenants,
                weight: settings.weight,
                priority: settings.priority.rawValue,
                counts: groups[index].counts,
                wait: .init(groups[index].wait),
                answer: .init(groups[index].answer),
                deviceSeconds: own.reduce(0, +) * settings.weight,
                fairness: Fairness.jain(own)
            )
        }
    }
}

extension SimulationReport.Counts {
    mutating func add(_ other: Self) {
        requests += other.requests
        cacheHits += other.cacheHits
        coalesced += other.coalesced
        refusedQueueFull += other.refusedQueueFull
        refusedWaitTooLong += other.refusedWaitTooLong
        impossible += other.impossible
        generations += other.generations
        finished += other.finished
        degraded += other.degraded
        batched += other.batched
        waiting += other.waiting
        running += other.running
    }
}
