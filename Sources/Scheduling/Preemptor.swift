import Engine
import Logging
import ServiceLifecycle
import Tasks

/// Lets urgent work run at once: where every engine is busy, a less urgent generation makes way.
///
/// It writes a checkpoint, goes back to the queue, and later goes on from there.
package struct Preemptor: Service {
    /// How often it is looked for urgent work without having been told of any.
    private static let look: Duration = .seconds(2)

    let store: any TaskStore
    let engines: [any VideoEngine]
    let policy: PreemptionPolicy
    let clock: any ServiceClock
    let wake: WakeSignal
    let running: RunningGenerations
    let logger: Logger

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let seen = wake.count
                await lookForUrgentWork()
                await pause(after: seen)
            }
        }
    }

    private func lookForUrgentWork() async {
        guard !running.isEmpty, !engines.contains(where: { $0.state.isReady }) else { return }
        do throws(TaskStoreError) {
            guard let priority = try await store.nextPriority() else { return }
            let now = clock.monotonicTime()
            guard let victim = policy.victim(for: priority, among: running.all, at: now) else { return }
            logger.info("Generation makes way for a more urgent one", metadata: ["generation": "\(victim)"])
            running.makeWay(victim)
        } catch {
            logger.error("Urgent work could not be looked for", metadata: ["code": "\(error.code)"])
        }
    }

    private func pause(after seen: UInt64) async {
        await withTaskGroup { group in
            group.addTask { await wake.wait(after: seen) }
            // The only error is the cancellation, which the caller's loop looks for.
            group.addTask { try? await clock.sleep(for: Self.look) }
            await group.next()
            group.cancelAll()
        }
    }
}

extension EngineState {
    fileprivate var isReady: Bool {
        if case .ready = self { true } else { false }
    }
}
