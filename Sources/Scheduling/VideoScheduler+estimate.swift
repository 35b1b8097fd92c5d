import Tasks

/// What a request would come to, by the same decisions as when it is submitted.
extension VideoScheduler {
    package func estimate(_ request: AdmissionRequest) async throws(AdmissionError) -> Estimate {
        let (task, seconds) = try newTask(for: request)
        var estimate = Estimate(
            model: task.model,
            deviceSeconds: seconds,
            memoryMode: forecaster.memoryMode(of: task.request.work(model: task.model))
        )
        do throws(TaskStoreError) {
            let prospect = try await store.prospect(of: task, limits: try await limits(of: task, by: request.caller))
            switch prospect {
            case .cached(let generation):
                guard await isGone(generation) else {
                    estimate.isCached = true
                    (estimate.waitSeconds, estimate.etaSeconds) = (0, 0)
                    return estimate
                }
                try await place(task, in: &estimate)
            case .joined(let generation):
                estimate.isShared = true
                let end = secondsLeft(of: generation)
                estimate.etaSeconds = end
                estimate.waitSeconds = generation.status == .running ? 0 : end.map { max(0, $0 - seconds) }
            case .queued:
                try await place(task, in: &estimate)
            }
        } catch .queueFull {
            estimate.refusal = await refusal(of: task)
        } catch .tenantLimit(let limit) {
            estimate.refusal = .store(.tenantLimit(limit))
        } catch {
            throw .store(error)
        }
        return estimate
    }

    /// Predicts for a generation of its own.
    private func place(_ task: NewTask, in estimate: inout Estimate) async throws(TaskStoreError) {
        let now = clock.monotonicTime().inSeconds
        if let entry = try await forecaster.entry(ifAloneInQueue: task, at: now) {
            estimate.waitSeconds = entry.start.isFinite ? max(0, entry.start - now) : nil
            estimate.etaSeconds = entry.end.isFinite ? max(0, entry.end - now) : nil
            return
        }
        estimate.waitSeconds = try await predictedWait(of: task)
        estimate.etaSeconds = estimate.waitSeconds.map { $0 + estimate.deviceSeconds }
    }

    /// Until a generation that waits or runs is predicted to end.
    private func secondsLeft(of generation: Generation) -> Double? {
        let now = clock.monotonicTime().inSeconds
        return deployment.secondsLeft(of: generation.id, at: now)
            ?? forecaster.outlook(of: generation.id, at: now).etaSeconds
    }
}
