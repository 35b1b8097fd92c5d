package import Tasks

/// When a task is likely to be served.
package struct TaskOutlook: Sendable, Equatable {
    /// 1 is next; `nil` unless it waits, and beyond what is looked ahead.
    package var queuePosition: Int?
    /// Predicted seconds until it ends, never below 0; `nil` if it has ended or nothing is known.
    package var etaSeconds: Double?

    package init(queuePosition: Int? = nil, etaSeconds: Double? = nil) {
        self.queuePosition = queuePosition
        self.etaSeconds = etaSeconds
    }

    /// Nothing to say.
    package static let none = TaskOutlook()
}

/// A device and its engines, as they were last seen.
package struct DeviceStatus: Sendable, Equatable {
    /// What the device as a whole does.
    package enum State: String, Sendable, CaseIterable {
        /// An engine is free.
        case ready
        /// All engines that are up work.
        case busy
        /// No engine process runs; one is started when there is work.
        case asleep
        /// The first engine comes up.
        case starting
        /// No engine can be started.
        case down
        /// Starts no more work, because somebody said so.
        case draining
        /// The device has disappeared from the machine.
        case lost
    }

    /// What requests name it by.
    package var id: String
    /// The make, as in `NVIDIA A100-SXM4-80GB` or `cpu`.
    package var kind: String
    package var state: State
    package var totalBytes: Int64
    package var freeBytes: Int64
    /// 0 to 1; `nil` where it cannot be measured.
    package var utilisation: Double?
    /// `nil` where it cannot be measured.
    package var temperatureCelsius: Double?
    package var engines: [EngineStatus]

    package init(
        id: String,
        kind: String,
        state: State,
        totalBytes: Int64,
        freeBytes: Int64,
        utilisation: Double? = nil,
        temperatureCelsius: Double? = nil,
        engines: [EngineStatus] = []
    ) {
        self.id = id
        self.kind = kind
        self.state = state
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.utilisation = utilisation
        self.temperatureCelsius = temperatureCelsius
        self.engines = engines
    }
}

/// One engine process of a device.
package struct EngineStatus: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case ready
        case busy
        /// Ends its process when idle, and is started when there is work.
        case asleep
        case starting
        case down
    }

    /// Counted over all devices, from 0.
    package var index: Int
    package var state: State
    /// The model that it holds; `nil`: none.
    package var model: String?
    /// What it works on; `nil`: nothing.
    package var work: EngineWork?

    package init(index: Int, state: State, model: String? = nil, work: EngineWork? = nil) {
        self.index = index
        self.state = state
        self.model = model
        self.work = work
    }
}

/// A pass of an engine, without a word of whose it is.
package struct EngineWork: Sendable, Equatable {
    /// Generations that share the pass, at least 1.
    package var generations: Int
    /// Of the most urgent of them.
    package var priority: TaskPriority
    /// `nil` until the first report.
    package var progress: GenerationProgress?
    /// Predicted, never below 0; `nil` if nothing is known.
    package var secondsLeft: Double?

    package init(
        generations: Int = 1,
        priority: TaskPriority,
        progress: GenerationProgress? = nil,
        secondsLeft: Double? = nil
    ) {
        self.generations = generations
        self.priority = priority
        self.progress = progress
        self.secondsLeft = secondsLeft
    }
}

/// What waits and what runs.
package struct QueueStatus: Sendable, Equatable {
    /// Generations that wait, those included that wait for another attempt.
    package var waiting: Int
    /// Generations that run, on whichever process's engines.
    package var running: Int
    /// Predicted seconds until a new generation of normal priority would start; `nil` if nothing is known.
    package var predictedWaitSeconds: Double?
    /// Those that wait, by priority; 0 for one that is missing.
    package var byPriority: [TaskPriority: Int]
    /// Whether the whole server starts no more work.
    package var isDraining: Bool

    package init(
        waiting: Int,
        running: Int,
        predictedWaitSeconds: Double? = nil,
        byPriority: [TaskPriority: Int] = [:],
        isDraining: Bool = false
    ) {
        self.waiting = waiting
        self.running = running
        self.predictedWaitSeconds = predictedWaitSeconds
        self.byPriority = byPriority
        self.isDraining = isDraining
    }
}
