import Tasks

/// How many devices a deployment should have for what waits and runs.
///
/// Pure. Who starts and stops machines (an autoscaler, or nobody) is outside; `animato simulate` replays it.
package struct WorkerScalingPolicy: Sendable, Equatable {
    /// What there is to do.
    package struct Load: Sendable, Equatable {
        /// Predicted device time until all that waits and runs is made; what is no positive number counts as 0.
        package var backlogSeconds: Double
        /// Generations that wait.
        package var waiting: Int
        /// Devices that work.
        package var busy: Int

        package init(backlogSeconds: Double, waiting: Int, busy: Int) {
            self.backlogSeconds = backlogSeconds
            self.waiting = max(0, waiting)
            self.busy = max(0, busy)
        }
    }

    /// For how long what waits may wait, if nothing else came.
    package var targetWait: Duration
    /// Devices that there are at least, with nothing to do.
    package var minimum: Int
    /// Devices that there are at most.
    package var maximum: Int
    /// Fewer are needed only once no more were for so long.
    package var stabilisation: Duration

    package init(
        targetWait: Duration = .seconds(300),
        minimum: Int = 0,
        maximum: Int = 100,
        stabilisation: Duration = .seconds(600)
    ) {
        self.targetWait = targetWait
        self.minimum = max(0, minimum)
        self.maximum = max(self.minimum, maximum)
        self.stabilisation = stabilisation
    }

    /// How many are needed for a load, whatever was needed before.
    ///
    /// As many as make the backlog in the wait that is aimed at; not more than could have something to do, and not fewer than
    /// work, nor none while something waits.
    package func devices(for load: Load) -> Int {
        let backlog = load.backlogSeconds > 0 ? load.backlogSeconds : 0
        let wanted = (backlog / max(targetWait.inSeconds, 0.001)).rounded(.up)
        let useful = load.busy + load.waiting
        let enough = wanted < Double(useful) ? Int(wanted) : useful
        let least = max(load.busy, load.waiting > 0 ? 1 : 0)
        return min(max(enough, least, minimum), maximum)
    }
}

/// What is needed now, given what was needed lately.
package struct WorkerScaling: Sendable, Equatable {
    /// Decides.
    package let policy: WorkerScalingPolicy
    /// What was needed at a time and is more than at any later one, oldest first: at most one for each number.
    private var peaks: [Peak] = []

    private struct Peak: Sendable, Equatable {
        var time: Double
        var devices: Int
    }

    package init(_ policy: WorkerScalingPolicy) {
        self.policy = policy
    }

    /// How many devices are needed: as many as at the highest of the time in which it must not fall.
    ///
    /// - Parameters:
    ///   - load: of now.
    ///   - now: seconds of the caller's clock.
    /// - Returns: the number.
    package mutating func devices(for load: WorkerScalingPolicy.Load, at now: Double) -> Int {
        let needed = policy.devices(for: load)
        while let last = peaks.last, last.devices <= needed { peaks.removeLast() }
        peaks.append(Peak(time: now, devices: needed))
        let oldest = now - policy.stabilisation.inSeconds
        while let first = peaks.first, first.time < oldest { peaks.removeFirst() }
        return peaks.first?.devices ?? needed
    }
}
