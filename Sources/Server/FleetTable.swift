import Foundation

/// Devices and the queue as text, for people.
enum FleetTable {
    /// A line for each device under a line of headings, and below it one for each engine that works.
    static func lines(_ devices: [APIClient.Device]) -> [String] {
        let rows = devices.map { device in
            [
                device.id, device.kind, device.state, memory(device),
                device.utilisation.map { whole($0 * 100) + " %" } ?? "-",
                device.temperatureCelsius.map { whole($0) + " °C" } ?? "-",
            ]
        }
        let table = aligned([["DEVICE", "KIND", "STATE", "MEMORY IN USE", "LOAD", "TEMPERATURE"]] + rows)
        guard let headings = table.first else { return [] }
        return [headings]
            + zip(table.dropFirst(), devices).flatMap { row, device in [row] + device.engines.map(line) }
    }

    /// What waits and what runs.
    static func line(_ queue: APIClient.Queue) -> String {
        let kinds = ["interactive", "normal", "batch"].map { "\(queue.byPriority[$0] ?? 0) \($0)" }
        let wait = queue.predictedWaitSeconds.map { "; a new one would wait about \(Prediction.text($0))" } ?? ""
        let draining = queue.draining ? "; draining: nothing is started" : ""
        return "\(queue.waiting) waiting (\(kinds.joined(separator: ", "))), \(queue.running) running\(wait)\(draining)"
    }

    /// What an engine does.
    static func line(_ engine: APIClient.Device.Engine) -> String {
        var text = "  engine \(engine.index)  \(engine.state)"
        if let model = engine.model { text += "  \(model)" }
        guard let work = engine.work else { return text }
        text += "  \(work.priority)"
        if work.generations > 1 { text += " and \(work.generations - 1) more" }
        if let progress = work.progress { text += "  \(progress.stage) \(progress.step)/\(progress.totalSteps)" }
        if let left = work.secondsLeft { text += "  \(Prediction.text(left)) left" }
        return text
    }

    /// How much memory of a device is in use.
    static func memory(_ device: APIClient.Device) -> String {
        let total = Double(device.totalBytes) / Double(1 << 30)
        let used = max(0, total - Double(device.freeBytes) / Double(1 << 30))
        return String(format: "%.1f of %.1f GiB", used, total)
    }

    static func whole(_ number: Double) -> String { String(format: "%.0f", number) }

    /// Columns as wide as their widest entry.
    static func aligned(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { TextWidth.columns($0[column]) }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { TextWidth.padded($0, to: $1) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }
}
