import Foundation

extension SimulationReport {
    /// The report for people: a few tables of plain text.
    package var text: String {
        ([summary, ""] + waitTable + [""] + tenantTable + [""] + deviceTable).joined(separator: "\n") + "\n"
    }

    private var summary: String {
        var lines = [
            "simulated     \(Self.duration(seconds))",
            "requests      \(counts.requests): \(counts.cacheHits) from the cache, \(counts.coalesced) shared one in flight, "
                + "\(counts.refusedQueueFull) refused (queue full), \(counts.refusedWaitTooLong) refused (wait too long)",
            "generations   \(counts.generations): \(counts.finished) finished (\(counts.degraded) degraded, "
                + "\(counts.batched) in shared passes), \(counts.running) running, \(counts.waiting) waiting at the end",
            "hits          \(Self.share(counts.hitShare)) of the accepted requests",
            "utilisation   \(Self.share(utilisation))",
            "queue         \(Self.number(queue.mean)) in the mean, \(Self.number(queue.peak)) at most, \(queue.end) at the end",
            "fairness      \(String(format: "%.4f", fairness)) (Jain, device time over weight, all tenants)",
        ]
        if let scaling {
            lines.append(
                "devices       \(Self.number(scaling.mean)) in the mean, \(scaling.peak) at most, \(scaling.starts) started"
            )
        }
        if counts.impossible > 0 { lines.append("impossible    \(counts.impossible) fit on no device of the fleet") }
        if let cost {
            let each = costPerVideo.map { String(format: ", %.4f a video", $0) } ?? ""
            lines.append("cost          \(String(format: "%.2f", cost))\(each)")
        }
        return lines.joined(separator: "\n")
    }

    private var waitTable: [String] {
        let rows = [["all"] + Self.cells(wait)] + priorities.map { [$0.priority] + Self.cells($0.wait) }
        return Self.table(["wait", "generations", "mean", "p50", "p90", "p95", "p99", "most"], rows)
    }

    private var tenantTable: [String] {
        let head = [
            "tenants", "number", "weight", "priority", "requests", "refused", "hits", "wait p50", "wait p99",
            "answer p50", "answer p99", "device hours", "fairness",
        ]
        return Self.table(
            head,
            tenants.map { group in
                [
                    group.name, "\(group.tenants)", Self.number(group.weight), group.priority,
                    "\(group.counts.requests)", "\(group.counts.refused)", Self.share(group.counts.hitShare),
                    Self.duration(group.wait.p50), Self.duration(group.wait.p99), Self.duration(group.answer.p50),
                    Self.duration(group.answer.p99), Self.number(group.deviceSeconds / 3600),
                    String(format: "%.4f", group.fairness),
                ]
            }
        )
    }

    private var deviceTable: [String] {
        let head = ["devices", "kind", "number", "utilisation", "hours", "busy hours", "generations", "loads", "cost"]
        return Self.table(
            head,
            devices.map { group in
                [
                    group.name, group.kind, "\(group.count)", Self.share(group.utilisation),
                    Self.number(group.deviceHours), Self.number(group.busyHours), "\(group.generations)",
                    "\(group.loads)", group.cost.map { String(format: "%.2f", $0) } ?? "–",
                ]
            }
        )
    }

    private static func cells(_ durations: Durations) -> [String] {
        ["\(durations.count)"]
            + [durations.mean, durations.p50, durations.p90, durations.p95, durations.p99, durations.max].map(duration)
    }

    /// Columns as wide as what is in them, the first one to the left.
    private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let lines = [head] + rows
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            line.enumerated()
                .map { column, cell in
                    let padding = String(repeating: " ", count: widths[column] - cell.count)
                    return column == 0 ? cell + padding : padding + cell
                }
                .joined(separator: "  ")
        }
    }

    static func share(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

    static func number(_ number: Double) -> String {
        number == number.rounded() || abs(number) >= 1000
            ? String(format: "%.0f", number) : String(format: "%.2f", number)
    }

    /// Seconds in the unit that suits them.
    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.0005: "0 s"
        case ..<10: String(format: "%.2f s", seconds)
        case ..<600: String(format: "%.0f s", seconds)
        case ..<36_000: String(format: "%.1f min", seconds / 60)
        case ..<864_000: String(format: "%.1f h", seconds / 3600)
        default: String(format: "%.1f d", seconds / 86_400)
        }
    }
}
