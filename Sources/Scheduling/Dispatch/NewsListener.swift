import Logging
import Tasks

/// Carries out here what the store tells of changes, whichever process made them.
struct NewsListener: Sendable {
    /// Wait before what was missed is looked for again where the store does not answer.
    private static let storePause: Duration = .seconds(1)

    let store: any TaskStore
    let wake: WakeSignal
    let running: RunningGenerations
    let metrics: SchedulingMetrics
    let clock: any ServiceClock
    let logger: Logger

    /// Follows news until it ends or the calling task is cancelled.
    func follow(_ news: AsyncStream<StoreNews>) async {
        for await item in news {
            switch item {
            case .queue: wake.signal()
            case .abandoned(let id):
                running.stop(id)
                metrics.abandoned(id)
            case .raised(let id, let priority): running.raise(id, to: priority)
            case .missed: await catchUp()
            }
        }
    }

    /// Looks at everything that the missed news may have been about.
    private func catchUp() async {
        metrics.newsMissed()
        wake.signal()
        let ids = running.all.map(\.id)
        guard !ids.isEmpty else { return }
        while !Task.isCancelled {
            do throws(TaskStoreError) {
                let unfinished = try await store.unfinished(ids)
                for id in ids where !unfinished.contains(id) { running.stop(id) }
                return
            } catch {
                logger.error("What was missed could not be looked for", metadata: ["code": "\(error.code)"])
                // The only error is the cancellation, which the loop looks for.
                try? await clock.sleep(for: Self.storePause)
            }
        }
    }
}
