/// Which videos are let go so that what is kept stays within its bounds.
package struct EvictionPolicy: Sendable, Equatable {
    /// How many of the oldest videos a pass looks at; what is still too much is the next pass's.
    package static let passLimit = 1_000

    /// Bytes of everything that is kept; `nil` for no bound.
    package var maxBytes: Int64?
    /// Time since the last use; `nil` for no bound.
    package var maxAge: Duration?

    package init(maxBytes: Int64? = nil, maxAge: Duration? = nil) {
        self.maxBytes = maxBytes
        self.maxAge = maxAge
    }

    /// Those of the oldest that are too old, and those that must go so that the rest fits.
    ///
    /// - Parameters:
    ///   - usage: what is kept, with as many of the oldest as this pass may remove.
    ///   - now: milliseconds since 1970.
    /// - Returns: the victims, the one that was used longest ago first.
    package func victims(of usage: ResultUsage, now: Int64) -> [KeptVideo] {
        var bytes = usage.bytes
        let victims = usage.oldest.prefix { video in
            guard isTooOld(video, now: now) || isTooMuch(bytes) else { return false }
            bytes -= video.bytes
            return true
        }
        return Array(victims)
    }

    private func isTooOld(_ video: KeptVideo, now: Int64) -> Bool {
        guard let maxAge else { return false }
        // A clock that was set back makes nothing old.
        return Duration.milliseconds(max(0, now - video.lastUsed)) > maxAge
    }

    private func isTooMuch(_ bytes: Int64) -> Bool {
        maxBytes.map { bytes > $0 } ?? false
    }
}
