import Scheduling
import Tasks

/// Clients of the OpenAI API send a request again whose answer they have not seen, without a key that says so.
enum OpenAIRetry {
    /// How far back the first try is looked for, which is longer than such clients wait.
    static let window = Duration.seconds(60)
    /// Newest tasks of the tenant among which it is looked for.
    static let depth = 100

    /// Whether a header says that the client has sent this request before.
    static func isMarked(_ header: String?) -> Bool {
        header.flatMap { Int($0) }.map { $0 > 0 } ?? false
    }

    /// The task that the first try has made; `nil` if none of these is it.
    ///
    /// - Parameters:
    ///   - tasks: the tenant's newest.
    ///   - request: what is asked for now.
    ///   - now: wall time.
    /// - Returns: the newest that is equal, and has not ended without a video.
    static func task(among tasks: [GenerationTask], of request: AdmissionRequest, at now: Timestamp) -> GenerationTask?
    {
        tasks.first { task in
            task.status != .cancelled && task.status != .failed
                && task.createdAt.duration(to: now) <= window
                && task.generation.request == request.video && task.generation.model == request.model
                && task.generation.isDeterministic == request.isDeterministic
                && task.callback == request.callback && task.remixedFrom == request.remixedFrom
                && task.accessKey == request.caller.key
        }
    }
}
