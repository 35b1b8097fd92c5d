import ArgumentParser
import Foundation

/// Submits one request, follows its task to the end, and saves the video.
struct VideoOrder {
    /// How often the task is asked for.
    private static let pollInterval: Duration = .milliseconds(200)
    /// How long the server may take to come up, and its engine to describe its model.
    private static let startLimit: Duration = .seconds(120)

    let client: APIClient
    let request: APIClient.Request
    let output: String?

    /// - Throws: `APIClient.Failure`, or the exit code once the reason was printed.
    func carryOut() async throws {
        let submitted = try await client.submit(request, waitingFor: Self.startLimit)
        let bar = ProgressBar()
        let finished = try await withTaskCancellationHandler {
            try await follow(submitted, bar)
        } onCancel: {
            bar.end()
        }
        bar.end()
        guard finished.status == "SUCCESS", let address = finished.videoUrl else {
            let reason = finished.error.map { "\($0.message) (\($0.code))" } ?? "it was \(finished.status.lowercased())"
            throw Exit.because(Exit.failure, "No video: \(reason)")
        }
        let file = URL(fileURLWithPath: output ?? "\(finished.taskId).mp4")
        try await client.download(address, to: file)
        print(file.path)
        if let size = finished.renderedSize, (size.width, size.height) != (request.width, request.height) {
            FileHandle.standardError.write(
                Data("Rendered at \(size.width)x\(size.height), the model's own size, and scaled.\n".utf8)
            )
        }
    }

    private func follow(_ submitted: APIClient.Task, _ bar: ProgressBar) async throws -> APIClient.Task {
        var task = submitted
        while task.status == "PENDING" || task.status == "RUNNING" {
            bar.show(task)
            do {
                try await Task.sleep(for: Self.pollInterval)
            } catch {
                _ = try await client.cancel(task.taskId)
                throw error
            }
            task = try await client.task(task.taskId)
        }
        bar.show(task)
        return task
    }
}

/// One line on standard error that shows how far a task is; nothing where that is no terminal.
final class ProgressBar: Sendable {
    private static let width = 30
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now

    /// Draws the line anew.
    func show(_ task: APIClient.Task) {
        write("\r\u{1B}[K" + Self.line(task, after: ContinuousClock.now - start))
    }

    /// Leaves the line.
    func end() {
        write("\n")
    }

    /// What the line says.
    static func line(_ task: APIClient.Task, after elapsed: Duration) -> String {
        let seconds = "\(elapsed.components.seconds) s"
        if let waiting = task.waiting { return "waiting  \(waiting.message)  \(seconds)" }
        guard let progress = task.progress else { return "\(task.status.lowercased())  \(seconds)" }
        let part = progress.totalSteps > 0 ? Double(progress.step) / Double(progress.totalSteps) : 0
        let filled = Int((part * Double(width)).rounded(.down))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(progress.stage)  \(bar)  \(progress.step)/\(progress.totalSteps)  \(seconds)"
    }

    private func write(_ text: String) {
        guard isTerminal else { return }
        FileHandle.standardError.write(Data(text.utf8))
    }
}
