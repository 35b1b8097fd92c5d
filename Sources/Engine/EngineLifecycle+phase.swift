extension EngineLifecycle {
    /// What the supervisor is to do, in this order.
    enum Action: Sendable, Equatable {
        case send(EngineOrder)
        case report(EngineReport)
        /// Remove the output of a generation that has none, and what is beside it under a temporary name.
        case discard(output: String)
        /// Hand the outcome to whoever waits for the generation. Once per generation.
        case finish(Result<EngineVideo, EngineError>)
        /// Call `deadlinePassed` with this number after this time, instead of what was armed before.
        case arm(after: Duration, number: Int)
        case disarm
        /// SIGTERM to the process group.
        case terminate
        /// SIGKILL to the process group.
        case kill
    }

    /// Where a process is in its life.
    enum Phase: Sendable {
        case waiting
        case starting
        case ready(EngineDescription)
        case busy(EngineDescription, GenerationWatch)
        case ending(Ending)
        case stopped
    }

    /// A process that does not count any more, until it is gone.
    struct Ending: Sendable {
        /// Why, where it is known; otherwise the end of the process says it.
        var fault: EngineFault?
        /// Whether the fault is in the engine's own words, to which its log adds nothing.
        var isExplained = false
        /// Whether the next process may come at once.
        var isBlameless = false
        /// The generation that ends with it.
        var watch: GenerationWatch?
        /// What that comes to; a crash if nothing better is known.
        var outcome: EngineError?
    }

    /// From the end of the channel to SIGKILL: time enough to exit with a status that says why.
    static let exitGrace = Duration.seconds(2)
    /// Version of the wire.
    static let protocolVersion = 2
}
