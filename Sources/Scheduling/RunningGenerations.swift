import Synchronization
import Tasks

/// The generations that this process is working on, so that a cancel reaches its device at once.
final class RunningGenerations: Sendable {
    private let stops = Mutex<[GenerationID: AsyncStream<Never>.Continuation]>([:])

    /// Registers a generation.
    ///
    /// - Returns: a stream that ends when the generation is to stop.
    func add(_ id: GenerationID) -> AsyncStream<Never> {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        stops.withLock { $0[id] = continuation }
        return stream
    }

    /// Forgets a generation.
    func remove(_ id: GenerationID) {
        stops.withLock { $0.removeValue(forKey: id) }?.finish()
    }

    /// Asks for a stop; nothing happens if the generation is not here.
    func stop(_ id: GenerationID) {
        stops.withLock { $0[id] }?.finish()
    }
}
