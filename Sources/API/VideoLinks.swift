import Crypto
import Foundation
import Results
import Tasks

/// The right to fetch a video, written into its address, so that it can be passed on and ends by itself.
///
/// A link is `?expires=<unix seconds>&signature=<base64url>`; the signature is HMAC-SHA256 over a version, the video's
/// name and the moment. It is good for the video and everything made from it.
struct VideoLinks: Sendable {
    /// Why a link opens nothing.
    enum Refusal: Error, Equatable {
        case missing
        case wrong
        case expired
    }

    private let key: SymmetricKey
    private let lifetime: Int64
    private let clock: any ServiceClock

    /// - Parameters:
    ///   - secret: what is signed with.
    ///   - lifetime: how long a link is good for, at least.
    ///   - clock: wall time counts.
    init(secret: String, lifetime: Duration, clock: any ServiceClock) {
        key = SymmetricKey(data: Data(secret.utf8))
        self.lifetime = max(1, lifetime.wholeMilliseconds / 1000)
        self.clock = clock
    }

    /// When a link that is made now ends, in seconds since 1970: the lifetime from now at least.
    ///
    /// It stays the same for a while, so that a task that has not changed has a body that has not changed.
    var expiry: Int64 {
        let now = clock.wallTime().milliseconds / 1000
        let grain = max(1, lifetime / 8)
        return (now / grain + 1) * grain + lifetime
    }

    /// The query for a video's address, with its question mark.
    func query(for video: String, expiry: Int64) -> String {
        "?expires=\(expiry)&signature=\(Self.text(of: code(video, expiry)))"
    }

    /// Whether a query claims to be a link.
    static func isClaimed(by query: Substring) -> Bool {
        query.split(separator: "&").prefix(32).contains { $0.hasPrefix("signature=") }
    }

    /// Checks the query of a request for a video.
    func check(_ query: Substring, for video: String) throws(Refusal) {
        var expires: Int64?
        var signature: Data?
        for pair in query.split(separator: "&").prefix(32) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { continue }
            switch halves[0] {
            case "expires": expires = Int64(halves[1])
            case "signature": signature = Self.bytes(of: halves[1])
            default: continue
            }
        }
        guard let expires, let signature else { throw .missing }
        let isGenuine = HMAC<SHA256>.isValidAuthenticationCode(
            signature,
            authenticating: Self.message(video, expires),
            using: key
        )
        guard isGenuine else { throw .wrong }
        guard clock.wallTime().milliseconds / 1000 < expires else { throw .expired }
    }

    private func code(_ video: String, _ expiry: Int64) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Self.message(video, expiry), using: key))
    }

    private static func message(_ video: String, _ expiry: Int64) -> Data {
        Data("animato-video-link-1\n\(video)\n\(expiry)".utf8)
    }

    /// Base64 for addresses, without padding: RFC 4648, section 5.
    private static func text(of bytes: Data) -> String {
        bytes.base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func bytes(of text: Substring) -> Data? {
        guard text.utf8.count == 43 else { return nil }
        return Data(base64Encoded: text.replacing("-", with: "+").replacing("_", with: "/") + "=")
    }
}
