import Results
import Synchronization
import Tasks

/// The keys of the requests that came last, so that a request that comes again and again is hashed once.
///
/// Bounded: when full, all are forgotten.
final class ResultKeys: Sendable {
    private struct Question: Hashable {
        var request: VideoRequest
        var fingerprint: String
        var engineVersion: String
        var scope: String?
    }

    private static let capacity = 1024

    private let keys = Mutex<[Question: ResultKey]>([:])

    /// What a request's video is found by when this model makes it.
    ///
    /// - Parameters:
    ///   - request: what is asked for.
    ///   - model: what makes it.
    ///   - scope: who shares the video with whom; `nil` if everybody does.
    /// - Returns: the key.
    func key(of request: VideoRequest, madeBy model: ModelDescription, scope: String? = nil) -> ResultKey {
        let question = Question(
            request: request,
            fingerprint: model.fingerprint,
            engineVersion: model.engineVersion,
            scope: scope
        )
        if let known = keys.withLock({ $0[question] }) { return known }
        let key = model.key(of: request, scope: scope)
        keys.withLock { keys in
            if keys.count >= Self.capacity { keys.removeAll(keepingCapacity: true) }
            keys[question] = key
        }
        return key
    }
}
