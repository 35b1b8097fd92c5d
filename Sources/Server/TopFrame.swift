import Foundation

/// What `animato top` knows of a server at a moment.
struct TopState: Equatable {
    var server: String
    var version: String
    /// The time of day, as it is shown.
    var time: String
    var devices: [APIClient.Device]
    var queue: APIClient.Queue
    /// Those that run, then those that wait, of the most urgent first.
    var tasks: [APIClient.Task]
    /// Whether the tasks are those of every tenant.
    var isEverybodys: Bool
}

/// One picture of a server, as lines.
///
/// Pure.
enum TopFrame {
    /// A line, and whether it is drawn as a heading.
    struct Line: Equatable {
        var text: String
        var isHeading = false
    }

    private static let memoryBar = 12
    private static let stepBar = 20

    /// - Parameters:
    ///   - state: what is drawn.
    ///   - width: columns that a line may take.
    ///   - height: lines that there may be; `nil`: as many as there is something to say.
    /// - Returns: no line wider, and no more of them.
    static func lines(_ state: TopState, width: Int, height: Int?) -> [Line] {
        let head = [
            Line(text: "animato \(state.version)  \(state.server)  \(state.time)", isHeading: true),
            Line(text: FleetTable.line(state.queue)),
            Line(text: ""),
        ]
        let devices = devices(state.devices)
        let tasks = tasks(state)
        var lines = head + devices + [Line(text: "")] + tasks
        if let height, lines.count > height {
            // Where there is not room for both, the devices have half of it, and what the tasks leave.
            let room = max(0, height - head.count - 1)
            let forDevices = max(room / 2, room - tasks.count)
            lines = head + cut(devices, to: forDevices) + [Line(text: "")]
            lines += cut(tasks, to: max(0, height - lines.count))
            lines = Array(lines.prefix(height))
        }
        return lines.map { Line(text: TextWidth.fitted($0.text, to: width), isHeading: $0.isHeading) }
    }

    private static func cut(_ lines: [Line], to count: Int) -> [Line] {
        guard lines.count > count, count > 0 else { return Array(lines.prefix(max(0, count))) }
        return lines.prefix(count - 1) + [Line(text: "… \(lines.count - count + 1) more lines")]
    }

    private static func devices(_ devices: [APIClient.Device]) -> [Line] {
        let rows = devices.map { device in
            [device.id, device.state, memory(device), load(device), temperature(device), device.kind]
        }
        let table = FleetTable.aligned([["DEVICE", "STATE", "MEMORY IN USE", "LOAD", "TEMP", "KIND"]] + rows)
        guard let headings = table.first else { return [] }
        return [Line(text: headings, isHeading: true)]
            + zip(table.dropFirst(), devices).flatMap { row, device in
                [Line(text: row)] + device.engines.map { Line(text: engine($0)) }
            }
    }

    private static func memory(_ device: APIClient.Device) -> String {
        let total = Double(device.totalBytes)
        let part = total > 0 ? 1 - Double(device.freeBytes) / total : 0
        return "\(Bar.text(part, width: memoryBar)) \(FleetTable.memory(device))"
    }

    private static func load(_ device: APIClient.Device) -> String {
        device.utilisation.map { FleetTable.whole($0 * 100) + " %" } ?? "-"
    }

    private static func temperature(_ device: APIClient.Device) -> String {
        device.temperatureCelsius.map { FleetTable.whole($0) + " °C" } ?? "-"
    }

    private static func engine(_ engine: APIClient.Device.Engine) -> String {
        let line = FleetTable.line(engine)
        guard let progress = engine.work?.progress, progress.totalSteps > 0 else { return line }
        return line + "  " + Bar.text(Bar.part(progress.step, of: progress.totalSteps), width: stepBar)
    }

    private static func tasks(_ state: TopState) -> [Line] {
        guard !state.tasks.isEmpty else { return [Line(text: "No task waits or runs.")] }
        return TaskTable.lines(state.tasks, width: .max, showsOwner: state.isEverybodys).enumerated().map {
            Line(text: $1, isHeading: $0 == 0)
        }
    }

    /// Tasks in the order in which they are shown: what runs, then what waits, by its place.
    static func ordered(_ tasks: [APIClient.Task]) -> [APIClient.Task] {
        let ranks = ["interactive": 0, "normal": 1, "batch": 2]
        func rank(_ task: APIClient.Task) -> (Int, Int, Int, String) {
            let priority = ranks[task.priority ?? ""] ?? ranks.count
            return (task.status == "RUNNING" ? 0 : 1, task.queuePosition ?? .max, priority, task.taskId)
        }
        return tasks.sorted { rank($0) < rank($1) }
    }
}
