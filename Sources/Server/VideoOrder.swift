import ArgumentParser
import Foundation

/// Submits one request, follows its task to the end, and saves the video.
struct VideoOrder: Sendable {
    /// How long the server may take to come up, and its engine to describe its model.
    private static let startLimit: Duration = .seconds(120)

    let client: APIClient
    let request: APIClient.Request
    var output: String?
    /// Leave as soon as the task is accepted.
    var isNotFollowed = false
    /// Standard output is one JSON object: the task.
    var printsJSON = false
    var isOpened = false

    /// - Throws: `APIClient.Failure`, or the exit code once the reason was printed; `CancellationError` once the task was
    ///   cancelled.
    func carryOut() async throws {
        let submitted = try await client.submit(request, waitingFor: Self.startLimit)
        guard !isNotFollowed else {
            Terminal.write(printsJSON ? submitted.line : submitted.task.taskId + "\n")
            return
        }
        let display = ProgressDisplay()
        let finished: TaskAnswer
        do {
            finished = try await TaskFollower(client: client).follow(submitted) { display.show($0) }
        } catch is CancellationError {
            display.end()
            try await cancel(submitted.task.taskId)
            throw CancellationError()
        } catch {
            display.end()
            throw error
        }
        display.end()
        try await save(finished)
    }

    private func save(_ finished: TaskAnswer) async throws {
        let task = finished.task
        guard task.status == "SUCCESS", let address = task.videoUrl else {
            let reason = task.error.map { "\($0.message) (\($0.code))" } ?? "it was \(task.status.lowercased())"
            if printsJSON { Terminal.write(finished.line) }
            throw Exit.because(Exit.failure, "No video: \(reason)")
        }
        let file = URL(fileURLWithPath: output ?? "\(task.taskId).mp4")
        try await client.download(address, to: file)
        Terminal.write(printsJSON ? finished.line : file.path + "\n")
        if let degradation = task.degradation { Terminal.writeError("\(degradation.text)\n") }
        if let size = task.renderedSize, (size.width, size.height) != (request.width, request.height),
            request.width != nil, request.height != nil
        {
            Terminal.writeError("Rendered at \(size.width)x\(size.height), the model's own size, and scaled.\n")
        }
        if isOpened, let fault = Desktop.open(file.path) { Terminal.writeError("animato: \(fault)\n") }
    }

    /// Cancels the task for a person who has had enough of it.
    private func cancel(_ id: String) async throws {
        // This is cancelled itself, and nothing it does would reach the server. Ends with its one request.
        let cancelled = Task { try await client.cancel(id) }
        do {
            _ = try await cancelled.value
            Terminal.writeError("Cancelled.\n")
        } catch APIClient.Failure.refused(let problem) where problem.code == "task_already_ended" {
            Terminal.writeError("The task had ended already.\n")
        }
    }
}

extension TaskAnswer {
    /// The JSON object as a line.
    var line: String { String(decoding: body, as: UTF8.self) + "\n" }
}

/// Predicted times, for people.
enum Prediction {
    /// A time as exact as a prediction may seem: in seconds, minutes, or hours and minutes.
    static func text(_ seconds: Double) -> String {
        // Beyond every real prediction, and still a number of minutes.
        let bounded = min(max(0, seconds), 1e9)
        if bounded < 99.5 { return "\(Int(bounded.rounded())) s" }
        let minutes = Int((bounded / 60).rounded())
        return minutes < 60 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
    }
}

extension APIClient.Task.Degradation {
    /// What less was made of, and why, for people.
    var text: String {
        let numbers = [("steps", numInferenceSteps), ("frames", numFrames), ("width", width), ("height", height)]
            .compactMap { name, change in
                change.flatMap { $0.count == 2 ? "\(name) \($0[1]) instead of \($0[0])" : nil }
            }
        let cache = stepCache.flatMap { $0.count == 2 ? ["step cache \($0[1]) instead of \($0[0])"] : nil } ?? []
        let why = reason == "memory" ? "for want of memory" : "because much was waiting"
        return "Less was made than was asked for, \(why): \((numbers + cache).joined(separator: ", "))."
    }
}
