import Logging
import ServiceLifecycle
import Tasks

/// Puts back, or fails, generations whose worker has not renewed its lease.
package struct Reaper: Service {
    let store: any TaskStore
    let settings: SchedulingSettings
    let clock: any ServiceClock
    let metrics: SchedulingMetrics
    let logger: Logger

    package func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await clock.sleep(for: settings.reapInterval)
                    try await pass()
                } catch is CancellationError {
                    return
                }
            }
        }
    }

    private func pass() async throws {
        do throws(TaskStoreError) {
            let reaped = try await store.reap(settings.retries)
            guard reaped.count > 0 else { return }
            logger.warning("Leases ran out", metadata: ["generations": "\(reaped.count)"])
            metrics.leasesExpired(reaped.count)
            metrics.requeued(TaskFailure.leaseExpired.code, count: reaped.requeued)
            metrics.failed(TaskFailure.leaseExpired.code, count: reaped.failed)
        } catch {
            logger.error("Expired leases could not be taken back", metadata: ["code": "\(error.code)"])
        }
    }
}
