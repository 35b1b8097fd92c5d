import Scheduling
import Tasks

/// Engines that have nothing to do: what the keeper of engines does in the server.
extension World {
    /// From waking an engine until its process is up.
    private static let startSeconds = 10.0
    /// Longest time between two looks; the server's own.
    private static let keepSeconds = 5.0

    /// Whether the settings ever let an idle engine rest.
    var doEnginesRest: Bool { settings.scaling.parkAfter != nil || settings.scaling.sleepAfter != nil }

    mutating func wake(_ engine: Int) {
        if fleet.wake(engine) { events.add(.up(engine: engine), at: now + Self.startSeconds) }
    }

    /// Carries out what the policy decides on idle engines.
    mutating func keepEngines() {
        // Without another event what waits then waits for ever.
        guard let nextEvent = events.nextTime else { return }
        let next = fleet.hasOpenEngines ? carryOutScaling() : nil
        // Only one that is asleep may have to be woken at any time; the others have been idle for too long at the earliest
        // when those that are idle by now have.
        let rest = [settings.scaling.parkAfter, settings.scaling.sleepAfter].compactMap { $0?.inSeconds }.min()
        var time = now + (fleet.sleepingEngines > 0 ? Self.keepSeconds : rest ?? Self.keepSeconds)
        // Where nothing waits nobody is woken before something happens.
        if queue.count == 0 { time = max(time, nextEvent) }
        events.add(.keep, at: max(min(next ?? .infinity, time), now + 0.01))
    }

    /// Has engines rest or come back, as the policy decides.
    ///
    /// - Returns: when there is more to do if nothing changes.
    private mutating func carryOutScaling() -> Double? {
        let idle = (0..<fleet.engineCount).compactMap { engine in
            fleet.idleSince[engine].map {
                EngineScalingPolicy.Idle(engine: engine, since: $0, isParked: fleet.isParked[engine])
            }
        }
        let outcome = settings.scaling.decide(
            devices: fleet.devices,
            idle: idle,
            waiting: queue.count,
            predictedWait: wait(behind: queue.cost) ?? .infinity,
            startSeconds: Self.startSeconds,
            now: now
        )
        for action in outcome.actions {
            switch action {
            case .park(let engine): fleet.park(engine)
            case .sleep(let engine): fleet.sleep(engine)
            case .wake(let engine): wake(engine)
            }
        }
        return outcome.next
    }
}
