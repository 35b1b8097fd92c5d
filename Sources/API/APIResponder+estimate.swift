import Crypto
import Foundation
import Hummingbird
import HummingbirdCore
import Scheduling
import Tasks

extension APIResponder {
    /// Says what would become of a request; stores nothing.
    func estimate(_ call: Call) async throws(Problem) -> Response {
        let admission = try await admission(call, files: .assumed)
        let estimate: Estimate
        do { estimate = try await service.estimate(admission) } catch { throw Problem(error) }
        var json = JSONWriter(capacity: 256)
        json.estimate(estimate)
        return self.json(.ok, json.buffer, call.id)
    }
}

extension JSONWriter {
    /// What would become of a request, keys sorted.
    fileprivate mutating func estimate(_ estimate: Estimate) {
        object { json in
            json.key("cached")
            json.bool(estimate.isCached)
            json.key("device_seconds")
            json.number(estimate.deviceSeconds.asPrediction)
            json.key("eta_seconds")
            json.optional(estimate.etaSeconds) { json, seconds in json.number(seconds.asPrediction) }
            json.key("memory_mode")
            json.optional(estimate.memoryMode) { json, mode in json.string(mode.rawValue) }
            json.key("model")
            json.string(estimate.model)
            json.key("refusal")
            json.optional(estimate.refusal.map { Problem($0) }) { json, problem in
                json.object { json in
                    json.key("code")
                    json.string(problem.code)
                    json.key("message")
                    json.string(problem.detail)
                    json.key("retry_after_seconds")
                    json.optional(problem.retryAfter) { json, time in json.number(time.components.seconds) }
                }
            }
            json.key("shared")
            json.bool(estimate.isShared)
            json.key("wait_seconds")
            json.optional(estimate.waitSeconds) { json, seconds in json.number(seconds.asPrediction) }
        }
    }
}

extension MediaSource {
    /// What stands for a file that is not an upload; `nil` for an upload, which can be looked at.
    ///
    /// A file that came along has the id that it would have as an upload; one at an address has one that no upload has.
    func assumedMedia(for role: InputRole) -> Media? {
        let hash: SHA256.Digest
        switch self {
        case .upload: return nil
        case .data(let bytes): hash = SHA256.hash(data: bytes)
        case .address(let url): hash = SHA256.hash(data: Array(url.text.utf8))
        }
        guard let id = MediaID(hash.map { String(format: "%02x", $0) }.joined()) else { return nil }
        let isVideo = role.kind == .video
        return Media(
            id: id,
            bytes: 1,
            kind: role.kind,
            format: "",
            width: 1,
            height: 1,
            numFrames: 1,
            fps: isVideo ? 24 : 0,
            // As long as anybody may ask for.
            seconds: isVideo ? 3600 : 0
        )
    }
}
