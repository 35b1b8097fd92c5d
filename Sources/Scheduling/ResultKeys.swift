import Results
import Synchronization
import Tasks

/// The keys of the requests that came last, so that a request that comes again and again is hashed once.
///
/// Bounded: when full, or when the model changes, all are forgotten.
final class ResultKeys: Sendable {
    private struct State {
        var model: ModelDescription?
        var keys: [VideoRequest: ResultKey] = [:]
    }

    private static let capacity = 1024

    private let state = Mutex(State())

    /// What a request's video is found by when this model makes it.
    func key(of request: VideoRequest, madeBy model: ModelDescription) -> ResultKey {
        let known = state.withLock { $0.model == model ? $0.keys[request] : nil }
        if let known { return known }
        let key = model.key(of: request)
        state.withLock { state in
            if state.model != model || state.keys.count >= Self.capacity {
                state.model = model
                state.keys.removeAll(keepingCapacity: true)
            }
            state.keys[request] = key
        }
        return key
    }
}
