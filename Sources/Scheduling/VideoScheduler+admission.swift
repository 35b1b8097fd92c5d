import Tasks

/// Whether one more may wait, and what is said if not.
extension VideoScheduler {
    /// Whether a task is predicted to start in time, if it needs a generation of its own.
    func mayWait(_ task: NewTask) async throws(TaskStoreError) -> Bool {
        guard settings.admission.maxWait != nil else { return true }
        let wait = try await predictedWait(of: task)
        return settings.admission.decide(count: 0, predictedWait: wait) == .accept
    }

    /// How much may wait for this task to be accepted.
    ///
    /// What needs no place in the queue is not refused for want of one.
    func limits(of task: NewTask, by caller: Caller) async throws(TaskStoreError) -> AdmissionLimits {
        AdmissionLimits(
            queue: try await mayWait(task) ? settings.admission.maxWaiting : 0,
            waitingTasks: caller.limits.waitingTasks,
            deviceSecondsPerDay: caller.limits.deviceSecondsPerDay
        )
    }

    /// Seconds until a generation of its own would start; `nil` if no engine could take it.
    func predictedWait(of task: NewTask) async throws(TaskStoreError) -> Double? {
        let ahead = try await store.ahead(of: task.tenant, weight: task.weight, priority: task.priority)
        return forecaster.wait(behind: ahead, at: clock.monotonicTime().inSeconds)
    }

    /// Why a task was refused, and when it may come again.
    func refusal(of task: NewTask) async -> AdmissionError {
        do throws(TaskStoreError) {
            let count = try await store.heads().count
            switch settings.admission.decide(count: count, predictedWait: try await predictedWait(of: task)) {
            case .refuse(.waitTooLong, let retryAfter):
                return .refused(
                    code: AdmissionPolicy.RefusalCode.waitTooLong.rawValue,
                    message: "A new video would have to wait for longer than this server lets anybody wait.",
                    retryAfter: retryAfter
                )
            case .refuse(.queueFull, let retryAfter): return queueFull(retryAfter: retryAfter)
            // A place has become free since.
            case .accept: return queueFull(retryAfter: .seconds(1))
            }
        } catch {
            return .store(error)
        }
    }

    private func queueFull(retryAfter: Duration) -> AdmissionError {
        .refused(
            code: AdmissionPolicy.RefusalCode.queueFull.rawValue,
            message: "\(settings.admission.maxWaiting) videos wait already, which is the limit.",
            retryAfter: retryAfter
        )
    }
}
