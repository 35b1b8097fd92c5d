package import Tasks

/// A task of the server as the bridge sees it.
package struct CelerySight: Sendable, Equatable {
    package var task: GenerationTask
    /// What `GET /api/v1/tasks/{id}` answers.
    package var body: [UInt8]

    package init(task: GenerationTask, body: [UInt8]) {
        self.task = task
        self.body = body
    }

    /// What the backend is told of it.
    package var record: CeleryRecord {
        let body = (try? JSONParser.parse(body)) ?? .null
        switch task.status {
        case .queued:
            if let failure = task.generation.failure {
                return CeleryRecord(.retry, exception(failure), doneAt: nil)
            }
            return CeleryRecord(.received, outlook(body))
        case .running:
            let progress = body["progress"] ?? .null
            guard progress != .null else { return CeleryRecord(.started, outlook(body)) }
            return CeleryRecord(.progress, .object((outlook(body).members ?? []) + (progress.members ?? [])))
        case .succeeded:
            return CeleryRecord(.success, body, doneAt: task.finishedAt)
        case .failed:
            let failure = task.generation.failure
            return CeleryRecord(
                .failure,
                failure.map(exception) ?? CeleryException("RuntimeError", "It failed.", code: "internal"),
                doneAt: task.finishedAt
            )
        case .cancelled:
            return CeleryRecord(.revoked, .revoked, doneAt: task.finishedAt)
        }
    }

    /// The reason of a failure, as `record` gives it.
    package var exception: CeleryException? { task.generation.failure.map(exception) }

    /// How long it has been worked on, or was.
    package func runtime(at now: Timestamp) -> Double {
        guard let started = task.generation.startedAt else { return 0 }
        return max(0, started.duration(to: task.finishedAt ?? now).inSeconds)
    }

    private func exception(_ failure: TaskFailure) -> CeleryException {
        CeleryException("RuntimeError", "\(failure.code): \(failure.message)", code: failure.code)
    }

    private func outlook(_ body: JSON) -> JSON {
        [
            "task_id": .string(task.id.description),
            "eta": body["eta_seconds"] ?? .null,
            "queue_position": body["queue_position"] ?? .null,
        ]
    }
}
