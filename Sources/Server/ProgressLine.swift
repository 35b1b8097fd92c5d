import Foundation
import Synchronization

/// How far a task is, in words.
enum ProgressLine {
    private static let barWidths = 10...40

    /// One line for a terminal.
    ///
    /// - Parameters:
    ///   - task: as it is.
    ///   - elapsed: since it was submitted.
    ///   - columns: that the line may take at most.
    /// - Returns: the stage, the steps, the time and what is left of it, with a bar if there is room for one.
    static func text(_ task: APIClient.Task, after elapsed: Duration, columns: Int) -> String {
        let left = task.etaSeconds.map { "  about \(Prediction.text($0)) left" } ?? ""
        let time = "\(elapsed.components.seconds) s\(left)"
        guard task.status == "RUNNING", let progress = task.progress else {
            return TextWidth.fitted("\(state(of: task))  \(time)", to: columns)
        }
        let steps = progress.totalSteps > 0 ? "  \(progress.step)/\(progress.totalSteps)" : ""
        let rest = "\(TextWidth.plain(progress.stage))  \(steps)  \(time)"
        let room = min(columns - TextWidth.columns(rest), barWidths.upperBound)
        guard room >= barWidths.lowerBound else { return TextWidth.fitted(rest, to: columns) }
        let bar = Bar.text(Bar.part(progress.step, of: progress.totalSteps), width: room)
        return "\(TextWidth.plain(progress.stage))  \(bar)\(steps)  \(time)"
    }

    /// What a task does, without its steps.
    static func state(of task: APIClient.Task) -> String {
        guard task.status == "PENDING" else { return task.status.lowercased() }
        if let waiting = task.waiting { return "waiting  \(TextWidth.plain(waiting.message))" }
        return task.queuePosition.map { $0 == 1 ? "waiting  next in the queue" : "waiting  place \($0) in the queue" }
            ?? "waiting"
    }
}

/// How far a task is, as lines for whoever reads no terminal: what is new, and not every step of it.
struct ProgressLog {
    /// Steps are told in tenths.
    private static let parts = 10

    private var last: [String] = []

    /// - Returns: a line if there is news since the last one.
    mutating func line(_ task: APIClient.Task) -> String? {
        let progress = task.status == "RUNNING" ? task.progress : nil
        let part = progress.map { Bar.part($0.step, of: $0.totalSteps) } ?? 0
        let tenth = Int((min(max(0, part), 1) * Double(Self.parts)).rounded(.down))
        let news = [task.status, progress?.stage ?? ProgressLine.state(of: task), String(tenth)]
        guard news != last else { return nil }
        last = news
        let left = task.etaSeconds.map { ", about \(Prediction.text($0)) left" } ?? ""
        guard let progress else { return ProgressLine.state(of: task) + left }
        let steps = progress.totalSteps > 0 ? " \(progress.step)/\(progress.totalSteps)" : ""
        return TextWidth.plain(progress.stage) + steps + left
    }
}

/// Shows on standard error how far a task is: as one line that is drawn anew on a terminal, else as a line for what is new.
final class ProgressDisplay: Sendable {
    private let start = ContinuousClock.now
    private let log = Mutex(ProgressLog())
    private let isDrawn = Mutex(false)

    func show(_ task: APIClient.Task) {
        // Asked for every time: a window changes its size. The last column stays free, or the line would break.
        if let terminal = Terminal.behind(STDERR_FILENO) {
            isDrawn.withLock { $0 = true }
            let elapsed = ContinuousClock.now - start
            Terminal.writeError(
                "\r" + ProgressLine.text(task, after: elapsed, columns: terminal.columns - 1) + "\u{1B}[K")
        } else if let line = log.withLock({ $0.line(task) }) {
            Terminal.writeError(line + "\n")
        }
    }

    /// Leaves the line, once.
    func end() {
        let wasDrawn = isDrawn.withLock { isDrawn in
            defer { isDrawn = false }
            return isDrawn
        }
        if wasDrawn { Terminal.writeError("\n") }
    }
}
