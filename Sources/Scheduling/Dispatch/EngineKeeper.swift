import Engine
import ServiceLifecycle
import Tasks

/// Lets engines that have nothing to do rest, so that an idle machine holds no device memory, and wakes them ahead of
/// need.
package struct EngineKeeper: Service {
    /// Longest wait between two looks.
    private static let look: Duration = .seconds(5)
    /// Shortest, however much happens.
    private static let leastPause: Duration = .milliseconds(50)

    let fleet: Fleet
    let policy: EngineScalingPolicy
    let forecaster: Forecaster
    let clock: any ServiceClock
    let wake: WakeSignal

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let seen = wake.count
                let pause = lookAfter()
                // The only error is the cancellation, which the loop looks for.
                try? await clock.sleep(for: Self.leastPause)
                await wake.wait(after: seen, atMost: pause, clock)
            }
        }
    }

    /// Carries out what the policy decides.
    ///
    /// - Returns: when to look again.
    private func lookAfter() -> Duration {
        let now = clock.monotonicTime().inSeconds
        let pressure = forecaster.pressure
        let outcome = policy.decide(
            devices: fleet.views(at: now),
            idle: fleet.engines.indices.compactMap { engine in
                fleet.idleness(of: engine).map {
                    EngineScalingPolicy.Idle(engine: engine, since: $0.since, isParked: $0.isParked)
                }
            },
            waiting: pressure.waiting,
            predictedWait: pressure.wait,
            startSeconds: pressure.startSeconds,
            now: now
        )
        for action in outcome.actions {
            switch action {
            case .park(let engine):
                fleet.engines[engine].park()
                fleet.notePark(engine)
            case .sleep(let engine): fleet.engines[engine].sleep()
            case .wake(let engine): fleet.engines[engine].wake()
            }
        }
        let next = outcome.next.map { Duration.seconds(max(0.01, $0 - now)) }
        return min(next ?? Self.look, Self.look)
    }
}
