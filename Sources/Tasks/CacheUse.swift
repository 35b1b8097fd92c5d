/// What a request has to do with videos that equal requests have made.
package enum CacheUse: String, Sendable, Hashable, CaseIterable {
    /// Answered by such a video, or by the generation that is making it.
    case use
    /// A finished video is no answer any more: it is made anew, and the new one answers equal requests from then on.
    case refresh
    /// Neither answered by another's video nor an answer to others.
    case off
}
