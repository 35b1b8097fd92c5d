extension EngineLifecycle {
    /// What the supervisor is to do, in this order.
    enum Action: Sendable, Equatable {
        case send(EngineOrder)
        case report(id: String, EngineReport)
        /// Remove the output of a generation that has none, and what is beside it under a temporary name.
        case discard(output: String)
        /// Hand the outcome to whoever waits for the generation. Once per generation, after its last report.
        case finish(id: String, Result<EngineVideo, EngineError>)
        /// Call `deadlinePassed` with this after this time, in place of what was armed for the same thing before.
        case arm(Deadline, after: Duration)
        case disarm(Awaited)
        /// SIGTERM to the process group.
        case terminate
        /// SIGKILL to the process group.
        case kill
    }

    /// What there is a bound on the waiting for.
    enum Awaited: Sendable, Hashable {
        /// The hello of a process, or its end.
        case process
        /// The next sign of life of a pass.
        case sign(pass: Int)
        /// The end of a generation that was cancelled.
        case cancel(id: String)
        /// The end of a pass that was yielded.
        case yield(pass: Int)
    }

    /// One bound on the waiting for something.
    struct Deadline: Sendable, Hashable {
        var awaited: Awaited
        /// Tells it from those that were armed for the same thing before.
        var number: Int
    }

    /// What whoever uses the engine wants of its process.
    enum Wish: Sendable {
        case up
        case asleep
        case stopped
    }

    /// What the supervisor does when there is no process.
    enum Turn: Sendable {
        case start
        /// Ask again when the state has changed.
        case wait
        case end
    }

    /// Where a process is in its life.
    enum Phase: Sendable {
        case waiting
        case starting
        case up(Running)
        case ending(Ending)
        case stopped
    }

    /// A process that has said hello.
    struct Running: Sendable {
        let description: EngineDescription
        /// The pass on the device.
        var working: PassWatch?
        /// The pass before it, whose files are being written.
        var writing: PassWatch?
        /// Why it is to end as soon as nothing is lost by it.
        var replacement: Replacement?
        /// Whether an order to move the model off the device was not answered yet.
        var isParking = false
        /// The model of the last pass, while it is on the device.
        var warmModel: String?

        init(_ description: EngineDescription) {
            self.description = description
        }

        /// Whether it takes a pass.
        var isReady: Bool {
            working == nil && replacement == nil
        }

        var passes: [PassWatch] {
            [working, writing].compactMap { $0 }
        }

        /// The pass of a generation without an outcome.
        func pass(of id: String) -> PassWatch? {
            passes.first { $0.row(id) != nil }
        }

        /// Puts a pass in the place of what it was before.
        mutating func replace(_ pass: PassWatch) {
            if working?.number == pass.number { working = pass }
            if writing?.number == pass.number { writing = pass }
        }
    }

    /// Why a process that still answers must make way for another.
    struct Replacement: Sendable {
        var fault: EngineFault
        /// Whether the next process may come at once.
        var isBlameless = false
        /// Whether it ends by itself.
        var isLeaving = false
    }

    /// A process that does not count any more, until it is gone.
    struct Ending: Sendable {
        /// Why, where it is known; otherwise the end of the process says it.
        var fault: EngineFault?
        /// Whether the fault is in the engine's own words, to which its log adds nothing.
        var isExplained = false
        /// Whether the next process may come at once.
        var isBlameless = false
        /// Whether it was asked to end, and may finish what it writes.
        var isPolite = false
        /// The generations that end with it.
        var orphans: [Orphan] = []
    }

    /// A generation that ends with its process.
    struct Orphan: Sendable {
        var row: GenerationWatch
        /// What that comes to; a crash if nothing better is known.
        var outcome: EngineError?
    }

    /// From the end of the channel to SIGKILL: time enough to exit with a status that says why.
    static let exitGrace = Duration.seconds(2)
    /// Version of the wire.
    static let protocolVersion = 3
}
