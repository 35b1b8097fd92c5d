import Logging
import Redis
import Tasks

extension CeleryBridge {
    /// Tells the backend of a task until it has ended.
    ///
    /// - Parameters:
    ///   - open: the task.
    ///   - signs: that it must be looked at.
    func report(_ open: OpenTask, on signs: AsyncStream<Void>) async {
        let id = open.brief.id
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.submissions.changes(of: open.task) { self.tasks.poke(id) }
            }
            tasks.poke(id)
            for await _ in signs {
                do {
                    try await report(open)
                } catch {
                    logger.warning(
                        "What became of a task of Celery cannot be told; it is tried again",
                        metadata: ["celery_id": "\(id)", "reason": "\(error)"])
                }
                await pause(settings.progressInterval)
            }
            group.cancelAll()
        }
    }

    private func report(_ open: OpenTask) async throws {
        let id = open.brief.id
        let sight = try await submissions.sight(of: open.task, open.tenant)
        if let sight, try await hasExpired(open, sight) { return }
        let record = record(of: open, sight)
        let before = tasks.told(id)
        if Self.isNews(record, before) {
            try await broker.record(record, of: open.brief, record.state.isFinal ? .always : .open)
            metrics.recorded(record.state)
            await announce(open, record, before, sight)
            tasks.tell(id, record)
        }
        guard record.state.isFinal else { return }
        try await broker.finish(id)
        tasks.remove(id)
        metrics.open(tasks.count)
    }

    /// Whether a record is worth a write: of a task far back in the queue, only that it waits.
    private static func isNews(_ record: CeleryRecord, _ before: CeleryRecord?) -> Bool {
        guard record.state == .received, before?.state == .received else { return record != before }
        return record != before && record.result["queue_position"] != .null
    }

    /// Cancels a task that waits for longer than its sender wants.
    private func hasExpired(_ open: OpenTask, _ sight: CelerySight) async throws -> Bool {
        guard sight.task.status == .queued, let expires = open.brief.expires.flatMap({ CeleryTime.moment($0) }),
            expires <= clock.wallTime()
        else { return false }
        try await submissions.cancel(open.task, of: open.tenant)
        return true
    }

    private func record(of open: OpenTask, _ sight: CelerySight?) -> CeleryRecord {
        guard let sight else {
            let gone = CeleryException(
                "LookupError", "The server does not know the task any more.", code: "task_not_found")
            return CeleryRecord(.failure, gone, doneAt: clock.wallTime())
        }
        let record = sight.record
        guard record.state == .revoked, let expires = open.brief.expires.flatMap({ CeleryTime.moment($0) }),
            let end = sight.task.finishedAt, expires <= end
        else { return record }
        return CeleryRecord(.revoked, .expired, doneAt: end)
    }

    /// Tells monitors of a change.
    private func announce(
        _ open: OpenTask,
        _ record: CeleryRecord,
        _ before: CeleryRecord?,
        _ sight: CelerySight?
    ) async {
        let id = open.brief.id
        let wasRunning = before?.state == .started || before?.state == .progress
        switch record.state {
        case .received: break
        case .started, .progress:
            if !wasRunning { await monitors.publish(.started(id)) }
        case .retry:
            if let exception = sight?.exception { await monitors.publish(.retried(id, exception)) }
        case .success:
            let runtime = sight?.runtime(at: clock.wallTime()) ?? 0
            await monitors.publish(.succeeded(id, result: record.result.pythonText(), runtime: runtime))
        case .failure:
            let unknown = CeleryException("LookupError", "task_not_found", code: "task_not_found")
            await monitors.publish(.failed(id, sight?.exception ?? unknown))
        case .revoked:
            let isExpired = record.result == CeleryException.expired.value
            await monitors.publish(.revoked(id, isTerminated: wasRunning, isExpired: isExpired))
        }
    }
}
