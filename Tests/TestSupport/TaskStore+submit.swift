package import Tasks

extension TaskStore {
    /// Submits for a tenant without limits of its own.
    @discardableResult
    package func submit(_ task: NewTask, queueLimit: Int) async throws(TaskStoreError) -> Submission {
        try await submit(task, limits: AdmissionLimits(queue: queueLimit))
    }
}
