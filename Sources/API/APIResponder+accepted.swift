import Logging
import Scheduling
import Tasks

extension APIResponder {
    /// Says in the log and in the trace what became of a request for a video.
    ///
    /// The line that connects a request with its task, and the task with its generation.
    func note(_ submission: Submission, _ call: Call) {
        call.trace.note(submission)
        logger.info("Task accepted", metadata: Self.metadata(of: submission, call.id))
    }

    private static func metadata(of submission: Submission, _ id: RequestID) -> Logger.Metadata {
        let task = submission.task
        var metadata: Logger.Metadata = [
            "request_id": "\(id)", "task_id": "\(task.id)", "generation": "\(task.generation.id)",
            "tenant": "\(task.tenant)", "disposition": "\(submission.disposition.rawValue)",
        ]
        if let trace = task.trace { metadata["trace_id"] = "\(trace.traceID)" }
        return metadata
    }
}
