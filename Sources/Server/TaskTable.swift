import Foundation

/// Tasks as text, for people.
enum TaskTable {
    /// A line for each task under a line of headings, none wider than asked for.
    ///
    /// - Parameters:
    ///   - tasks: in the order in which they are shown.
    ///   - width: columns, at most.
    ///   - showsOwner: the tenant is shown, in place of the prompt.
    /// - Returns: the lines.
    static func lines(_ tasks: [APIClient.Task], width: Int, showsOwner: Bool) -> [String] {
        let headings = ["TASK", "STATUS", "PRIORITY", "SIZE", "PROGRESS", showsOwner ? "TENANT" : "PROMPT"]
        let rows = tasks.map { task in
            let last = showsOwner ? task.tenant : task.request?.prompt
            return [task.taskId, task.status, task.priority ?? "-", size(of: task), progress(of: task), last ?? "-"]
                .map(TextWidth.plain)
        }
        return FleetTable.aligned([headings] + rows).map { TextWidth.fitted($0, to: width) }
    }

    /// Width, height and frames.
    static func size(of task: APIClient.Task) -> String {
        task.request.map { "\($0.width)x\($0.height)x\($0.numFrames)" } ?? "-"
    }

    /// How far a task is, or why it is no further.
    static func progress(of task: APIClient.Task) -> String {
        switch task.status {
        case "RUNNING":
            let left = task.etaSeconds.map { ", \(Prediction.text($0)) left" } ?? ""
            return task.progress.map { "\($0.stage) \($0.step)/\($0.totalSteps)\(left)" } ?? "-"
        case "PENDING":
            let left = task.etaSeconds.map { ", \(Prediction.text($0)) left" } ?? ""
            return task.waiting?.code ?? task.queuePosition.map { "place \($0)\(left)" } ?? "-"
        case "FAILED": return task.error?.code ?? "-"
        case "SUCCESS": return task.cached ? "from cache" : "-"
        default: return "-"
        }
    }
}
