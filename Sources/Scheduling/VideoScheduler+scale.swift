import Synchronization
import Tasks

/// What is said to those who add and take away devices.
extension VideoScheduler {
    package func scale() async throws(AdmissionError) -> ScaleStatus {
        do throws(TaskStoreError) {
            let queue = try await store.heads()
            let order = queue.count == 0 ? [] : try await store.waiting(limit: Forecast.limit)
            var status = ScaleStatus(queue: queue, order: order, devices: devices())
            let load = WorkerScalingPolicy.Load(
                backlogSeconds: status.backlogSeconds,
                waiting: status.waiting,
                busy: status.busy
            )
            let now = clock.monotonicTime().inSeconds
            status.needed = workers.withLock { $0.devices(for: load, at: now) }
            return status
        } catch {
            throw .store(error)
        }
    }
}
