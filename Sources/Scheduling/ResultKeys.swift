import Results
import Synchronization
import Tasks

/// The keys of the requests that came last, so that a request that comes again and again is hashed once.
///
/// Bounded: when full, or when the model changes, all are forgotten.
final class ResultKeys: Sendable {
    private struct State {
        var model: ModelDescription?
        var keys: [Question: ResultKey] = [:]
    }

    private struct Question: Hashable {
        var request: VideoRequest
        var scope: String?
    }

    private static let capacity = 1024

    private let state = Mutex(State())

    /// What a request's video is found by when this model makes it.
    ///
    /// - Parameters:
    ///   - request: what is asked for.
    ///   - model: what makes it.
    ///   - scope: who shares the video with whom; `nil` if everybody does.
    /// - Returns: the key.
    func key(of request: VideoRequest, madeBy model: ModelDescription, scope: String? = nil) -> ResultKey {
        let question = Question(request: request, scope: scope)
        let known = state.withLock { $0.model == model ? $0.keys[question] : nil }
        if let known { return known }
        let key = model.key(of: request, scope: scope)
        state.withLock { state in
            if state.model != model || state.keys.count >= Self.capacity {
                state.model = model
                state.keys.removeAll(keepingCapacity: true)
            }
            state.keys[question] = key
        }
        return key
    }
}
