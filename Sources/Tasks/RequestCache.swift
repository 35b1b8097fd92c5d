package import Foundation
import Synchronization

/// Requests by their stored bytes, so that a store does not read the same one at the claim, each renewal and the end.
///
/// Equal bytes are equal requests, whatever becomes of the rows that have them. Bounded: when full, all are forgotten and
/// read again when they are met.
package final class RequestCache: Sendable {
    private static let capacity = 2048

    /// By all of the bytes: `Data` hashes only the first 80, which many requests have in common.
    private let requests = Mutex<[[UInt8]: VideoRequest]>([:])

    package init() {}

    /// Reads a request.
    ///
    /// - Throws: a decoding error for bytes that no version of this program has written.
    package func request(_ bytes: Data) throws -> VideoRequest {
        let key = [UInt8](bytes)
        if let known = requests.withLock({ $0[key] }) { return known }
        let request = try VideoRequest(canonicalBytes: bytes)
        keep(request, bytes)
        return request
    }

    /// Keeps a request that was just written.
    package func keep(_ request: VideoRequest, _ bytes: Data) {
        requests.withLock { requests in
            if requests.count >= Self.capacity { requests.removeAll(keepingCapacity: true) }
            requests[[UInt8](bytes)] = request
        }
    }
}
