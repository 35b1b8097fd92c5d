extension Tally {
    /// The pictures of a simulation, by the name of their file without its ending.
    ///
    /// - Parameters:
    ///   - scenario: what was simulated.
    ///   - tenantGroups: the group of each tenant.
    /// - Returns: the pictures.
    func charts(of scenario: Scenario, tenantGroups: [Int]) -> [(name: String, chart: Chart)] {
        let devices = Double(max(scenario.fleet.reduce(0) { $0 + $1.count }, 1))
        return [
            ("waits", waits(of: scenario)),
            (
                "queue",
                Chart(
                    title: "Generations that wait",
                    x: .init("time since the start", .duration, end: queueLength.end),
                    y: .init("generations", .number),
                    lines: [
                        .init(label: "mean", points: queueLength.points.map { .init($0.time, $0.mean) }),
                        .init(label: "most", points: queueLength.points.map { .init($0.time, $0.peak) }),
                    ]
                )
            ),
            (
                "utilisation",
                Chart(
                    title: "Devices that compute",
                    x: .init("time since the start", .duration, end: queueLength.end),
                    y: .init("share of all devices", .share),
                    lines: [
                        .init(label: "computing", points: busyDevices.points.map { .init($0.time, $0.mean / devices) })
                    ]
                )
            ),
            ("tenants", tenants(of: scenario, tenantGroups: tenantGroups)),
        ]
    }

    /// The cumulative distribution of waits, by group of tenants.
    private func waits(of scenario: Scenario) -> Chart {
        Chart(
            title: "How long generations wait until they start",
            x: .init("wait", .logDuration),
            y: .init("share that waited no longer", .share),
            lines: zip(scenario.traffic, groups).prefix(Self.lineLimit).map { settings, group in
                let points = group.wait.cumulative.map { Chart.Point($0.seconds, $0.share) }
                let start = points.first.map { [Chart.Point(0, $0.x > 1 ? 0 : $0.y)] } ?? []
                return .init(label: settings.name, points: start + points)
            }
        )
    }

    /// What each tenant got for its weight, the most first, group by group.
    private func tenants(of scenario: Scenario, tenantGroups: [Int]) -> Chart {
        let shares = shares(of: scenario, tenantGroups: tenantGroups)
        var start = 0.0
        var lines: [Chart.Line] = []
        for (index, settings) in scenario.traffic.enumerated().prefix(Self.lineLimit) {
            let own = shares.filter { $0.group == index }.map { $0.share / 3600 }.sorted(by: >)
            var points = own.enumerated().map { Chart.Point(start + Double($0), $1) }
            start += Double(own.count)
            // The last value holds to the end of its tenant.
            if let last = points.last { points.append(Chart.Point(start, last.y)) }
            lines.append(.init(label: settings.name, points: points, isStepped: true))
        }
        return Chart(
            title: "Device time of each tenant for its weight",
            x: .init("tenants, by group, the most first", .number),
            y: .init("device hours", .number),
            lines: lines
        )
    }

    /// Groups that a picture has room for.
    private static let lineLimit = 6
}
