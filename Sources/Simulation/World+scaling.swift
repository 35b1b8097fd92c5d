import Scheduling
import Tasks

/// Devices that come and go: what an autoscaler makes of what the server tells it.
extension World {
    /// Leaves no more devices than are needed with nothing to do, and begins to look.
    mutating func beginScaling(_ scaling: DeviceScaling) {
        tally.devices[scaling.group].paidSeconds = 0
        isScaling = true
        let least = wanted(scaling, of: scaling.policy.minimum)
        for device in fleet.devices(ofGroup: scaling.group).dropFirst(least) { _ = fleet.leave(device) }
        events.add(.scale, at: 0)
    }

    /// Has devices come or go, as the policy decides.
    mutating func scale() {
        guard let scaling = scenario.scaling else { return }
        isScaling = false
        let load = WorkerScalingPolicy.Load(
            backlogSeconds: queue.cost + secondsLeft,
            waiting: queue.count,
            busy: fleet.workingDevices.reduce(0, +)
        )
        let wanted = wanted(scaling, of: workers.devices(for: load, at: now))
        let there = fleet.paidDevices[scaling.group]
        for device in fleet.devices(ofGroup: scaling.group) where fleet.paidDevices[scaling.group] < wanted {
            guard fleet.order(device) else { continue }
            events.add(.come(device: device), at: now + scaling.startSeconds)
            tally.starts += 1
        }
        // One that works is left alone: an autoscaler that stops it has it drain first.
        for device in fleet.devices(ofGroup: scaling.group).reversed()
        where fleet.paidDevices[scaling.group] > wanted {
            _ = fleet.leave(device)
        }
        let hasChanged = fleet.paidDevices[scaling.group] != there
        // With nothing else to come, what waits now waits for ever.
        guard hasChanged || events.count > (doEnginesRest ? 1 : 0) else { return }
        isScaling = true
        events.add(.scale, at: now + scaling.interval)
    }

    /// How many devices of the group that is scaled make so many in all.
    private func wanted(_ scaling: DeviceScaling, of all: Int) -> Int {
        let count = scenario.fleet[scaling.group].count
        return min(max(all - (fleet.devices.count - count), 0), count)
    }

    /// Predicted seconds until all that runs has ended, added up.
    private var secondsLeft: Double {
        fleet.devices.lazy.flatMap(\.engines).reduce(0) { sum, engine in
            guard case .busy(let end) = engine.state else { return sum }
            return sum + max(0, end - now)
        }
    }
}

extension SimulatedFleet {
    /// The devices of a group, in order.
    fileprivate func devices(ofGroup group: Int) -> Range<Int> {
        guard let first = groups.firstIndex(of: group), let last = groups.lastIndex(of: group) else { return 0..<0 }
        return first..<last + 1
    }
}
