package import Tasks

/// A generation and the engine that makes it.
package struct Assignment: Sendable, Equatable {
    package var generation: GenerationID
    /// Index of the engine.
    package var engine: Int
    package var mode: MemoryMode
    /// How long the device is predicted to be taken.
    package var seconds: Double
    /// Predicted peak on the device; what is to be reserved for it.
    package var bytes: Int64

    package init(generation: GenerationID, engine: Int, mode: MemoryMode, seconds: Double, bytes: Int64) {
        self.generation = generation
        self.engine = engine
        self.mode = mode
        self.seconds = seconds
        self.bytes = bytes
    }
}

/// The one thing to do next.
package enum PlacementStep: Sendable, Equatable {
    case assign(Assignment)
    /// Start an engine that is asleep; it counts as `starting` from then on.
    case wake(engine: Int)
    /// Move the model of an idle engine off the device, where it is in the way of another.
    ///
    /// It has nothing warm from then on; what it reserves falls when the device shows that.
    case park(engine: Int)
    /// Nothing can be started before something changes; at the latest it is worth asking again at that second of the
    /// caller's clock.
    case nothing(until: Double?)
}

/// A device that is kept for the first generation in the order that nothing free can take.
package struct Reservation: Sendable, Equatable {
    package var generation: GenerationID
    /// Index of the device among the views.
    package var device: Int
    /// When it is predicted to start there; seconds of the caller's clock.
    package var start: Double
    /// What it will need there.
    package var bytes: Int64

    package init(generation: GenerationID, device: Int, start: Double, bytes: Int64) {
        self.generation = generation
        self.device = device
        self.start = start
        self.bytes = bytes
    }
}
