import Results

/// Goes round all kept videos in the order of their names, a part at a time; pure.
///
/// Names stay where they are while videos are used, added and removed, so that nothing is passed over for long.
struct KeptVideoRound: Sendable {
    private var last: String?

    /// The videos after the last part.
    ///
    /// - Parameters:
    ///   - videos: all that are kept, in any order.
    ///   - limit: how many, at most.
    ///   - bytes: of all of them together; one is always taken.
    /// - Returns: the part; empty at the end of the round, after which the next begins.
    mutating func next(of videos: [KeptVideo], limit: Int = .max, bytes: Int64 = .max) -> [KeptVideo] {
        let rest = videos.filter { video in last.map { video.name.hex > $0 } ?? true }
            .sorted { $0.name.hex < $1.name.hex }
        var left = bytes
        let part = rest.prefix(limit).prefix { video in
            defer { left -= min(left, video.bytes) }
            return left > 0
        }
        last = part.last?.name.hex
        return Array(part)
    }
}
