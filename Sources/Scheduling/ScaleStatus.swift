package import Tasks

/// What whoever adds and takes away devices has to know.
package struct ScaleStatus: Sendable, Equatable {
    /// Of one model.
    package struct Model: Sendable, Equatable {
        package var name: String
        /// Generations that wait.
        package var waiting: Int
        /// Generations that run.
        package var running: Int
        /// Predicted device time until those are made.
        package var backlogSeconds: Double

        package init(name: String, waiting: Int = 0, running: Int = 0, backlogSeconds: Double = 0) {
            self.name = name
            self.waiting = waiting
            self.running = running
            self.backlogSeconds = backlogSeconds
        }
    }

    /// Those that something waits or runs for, by name.
    package var models: [Model]
    /// Generations that wait, in all.
    package var waiting: Int
    /// Generations that run, in all.
    package var running: Int
    /// Predicted device time until all of them are made.
    package var backlogSeconds: Double
    /// Devices that take work, or would if it were not for what they do.
    package var present: Int
    /// Devices that work.
    package var busy: Int
    /// Devices that there should be.
    package var needed: Int

    package init(
        models: [Model] = [],
        waiting: Int = 0,
        running: Int = 0,
        backlogSeconds: Double = 0,
        present: Int = 0,
        busy: Int = 0,
        needed: Int = 0
    ) {
        self.models = models
        self.waiting = waiting
        self.running = running
        self.backlogSeconds = backlogSeconds
        self.present = present
        self.busy = busy
        self.needed = needed
    }

    /// Adds up what waits and what runs; what is needed is not decided.
    ///
    /// - Parameters:
    ///   - queue: all that waits.
    ///   - order: the first of it, which stand for the rest where that is more.
    ///   - devices: with what they work on.
    package init(queue: QueueHeads, order: [WaitingGeneration], devices: [DeviceStatus]) {
        var models: [String: Model] = [:]
        let known = order.reduce(0) { $0 + $1.cost }
        let countFactor = order.isEmpty ? 0 : Double(queue.count) / Double(order.count)
        let costFactor = known > 0 ? queue.cost / known : 0
        for (name, waiting) in Dictionary(grouping: order, by: \.work.model) {
            models[name] = Model(
                name: name,
                waiting: Int((Double(waiting.count) * countFactor).rounded()),
                backlogSeconds: waiting.reduce(0) { $0 + $1.cost } * costFactor
            )
        }
        self.init(waiting: queue.count, backlogSeconds: queue.cost)
        for device in devices {
            switch device.state {
            case .ready, .busy, .asleep, .starting: present += 1
            case .down, .draining, .lost: break
            }
            var works = false
            for engine in device.engines {
                guard let work = engine.work else { continue }
                works = true
                running += work.generations
                let left = work.secondsLeft ?? 0
                backlogSeconds += left
                guard let name = engine.model else { continue }
                models[name, default: Model(name: name)].running += work.generations
                models[name, default: Model(name: name)].backlogSeconds += left
            }
            if works { busy += 1 }
        }
        self.models = models.values.sorted { $0.name < $1.name }
    }
}
