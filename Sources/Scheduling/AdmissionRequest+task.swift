import Foundation
import Results
import Tasks

extension AdmissionRequest {
    /// What an idempotency key stands for: the video, what it has to do with the cache, and who is told of it.
    ///
    /// For a request without a callback that uses the cache this is the key of the generation.
    func fingerprint(_ key: GenerationKey) -> String {
        guard cache != .use || callback != nil else { return key.rawValue }
        // Where the client reached us does not count: it may come back by another door.
        var parts = [cache.rawValue]
        if let callback { parts += [callback.url.text] + callback.events.map(\.rawValue).sorted() }
        // Hashed, because the address may hold a secret. A URL has no line breaks.
        return ResultKey(
            canonicalRequest: Data(parts.joined(separator: "\n").utf8),
            modelFingerprint: key.rawValue,
            engineVersion: "submission"
        ).hex
    }

    /// The seed that the video is made with.
    ///
    /// One that is left open follows from the key, so that requests that use the cache share one video. Who refreshes or
    /// avoids the cache wants a new video, and gets a seed of its own.
    func seed(_ key: ResultKey) -> UInt32 {
        if let seed = video.seed { return seed }
        return cache == .use ? key.derivedSeed : .random(in: .min ... .max)
    }
}
