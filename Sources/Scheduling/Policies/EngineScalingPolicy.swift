import Tasks

/// Decides which engines give up memory or their process while they are idle, and which come back ahead of need.
///
/// Pure. An engine that something waits for now is woken by placement.
package struct EngineScalingPolicy: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        /// Move its model to the memory of the machine.
        case park(engine: Int)
        /// End its process.
        case sleep(engine: Int)
        /// Start its process.
        case wake(engine: Int)
    }

    /// An engine that has nothing to do.
    package struct Idle: Sendable, Equatable {
        /// Index of the engine.
        package var engine: Int
        /// Seconds of the caller's clock.
        package var since: Double
        package var isParked: Bool

        package init(engine: Int, since: Double, isParked: Bool) {
            self.engine = engine
            self.since = since
            self.isParked = isParked
        }
    }

    /// What there is to do.
    package struct Outcome: Sendable, Equatable {
        package var actions: [Action]
        /// When there is more to do if nothing changes; seconds of the caller's clock.
        package var next: Double?

        package init(actions: [Action] = [], next: Double? = nil) {
            self.actions = actions
            self.next = next
        }
    }

    /// Engines of a device that have a process, however long they are idle; at most it has as many as there are views.
    package var minEngines: Int
    /// How long an engine is idle before its model leaves the device; `nil`: never.
    package var parkAfter: Duration?
    /// How long an engine is idle before its process ends; `nil`: never.
    package var sleepAfter: Duration?

    package init(minEngines: Int = 1, parkAfter: Duration? = nil, sleepAfter: Duration? = nil) {
        self.minEngines = max(0, minEngines)
        self.parkAfter = parkAfter
        self.sleepAfter = sleepAfter
    }

    /// What to do now.
    ///
    /// - Parameters:
    ///   - devices: all.
    ///   - idle: the engines that are ready and have nothing to do.
    ///   - waiting: generations that wait.
    ///   - predictedWait: seconds until a new one would start.
    ///   - startSeconds: from waking an engine until it has a model on the device.
    ///   - now: seconds of the caller's clock.
    /// - Returns: what to do, and when there is more.
    package func decide(
        devices: [DeviceView],
        idle: [Idle],
        waiting: Int,
        predictedWait: Double,
        startSeconds: Double,
        now: Double
    ) -> Outcome {
        var outcome = Outcome()
        let open = devices.filter { !$0.isDraining }
        let wanted = reinforcements(open, waiting: waiting, predictedWait: predictedWait, startSeconds: startSeconds)
        for device in devices { shrink(device, idle, sleeps: wanted == 0, now, &outcome) }
        let needed = open.flatMap { device in
            let awake = device.engines.count { $0.state != .asleep && $0.state != .down }
            return device.engines.filter { $0.state == .asleep }.prefix(max(0, minEngines - awake)).map(\.index)
        }
        let asleep = open.flatMap(\.engines).filter { $0.state == .asleep && !needed.contains($0.index) }.map(\.index)
        let woken = needed + asleep.prefix(max(0, wanted - needed.count))
        outcome.actions += woken.map { .wake(engine: $0) }
        return outcome
    }

    /// Idle engines of a device; none ends its process while others are woken for what waits.
    private func shrink(
        _ device: DeviceView,
        _ idle: [Idle],
        sleeps: Bool,
        _ now: Double,
        _ outcome: inout Outcome
    ) {
        var awake = device.engines.count { $0.state != .asleep && $0.state != .down }
        let here = idle.filter { entry in device.engines.contains { $0.index == entry.engine && $0.state == .ready } }
        // The one that has been idle longest goes first.
        for entry in here.sorted(by: { ($0.since, $0.engine) < ($1.since, $1.engine) }) {
            let sleepAt = sleeps && awake > minEngines ? sleepAfter.map { entry.since + $0.inSeconds } : nil
            let parkAt = entry.isParked ? nil : parkAfter.map { entry.since + $0.inSeconds }
            if let sleepAt, sleepAt <= now {
                outcome.actions.append(.sleep(engine: entry.engine))
                awake -= 1
            } else if let parkAt, parkAt <= now {
                outcome.actions.append(.park(engine: entry.engine))
                outcome.next = [outcome.next, sleepAt].compactMap(\.self).min()
            } else {
                outcome.next = [outcome.next, sleepAt, parkAt].compactMap(\.self).min()
            }
        }
    }

    /// How many engines are worth starting for what waits.
    ///
    /// With n engines at work and m more, a wait of w seconds becomes w·n/(n+m); more help as long as that is above the
    /// time in which they come.
    private func reinforcements(
        _ open: [DeviceView],
        waiting: Int,
        predictedWait: Double,
        startSeconds: Double
    ) -> Int {
        guard waiting > 0, predictedWait.isFinite, predictedWait > startSeconds else { return 0 }
        let engines = open.lazy.flatMap(\.engines)
        let working = engines.count { if case .busy = $0.state { true } else { $0.state == .ready } }
        let starting = engines.count { $0.state == .starting }
        let ratio = predictedWait / max(startSeconds, 0.001) - 1
        let wanted = (Double(max(1, working)) * ratio).rounded(.up)
        return max(0, Int(min(wanted, Double(waiting))) - starting)
    }
}
