/// What this process knows of videos on an S3-compatible service.
///
/// Bounded: what is full is emptied. Then the order of uses is that of the uploads again, and content is compared again.
struct S3Memory: Sendable {
    private static let limit = 100_000
    /// What was found is taken to be there for this long, in milliseconds.
    private static let trust: Int64 = 10_000

    private var uses: [VideoName: Int64] = [:]
    private var found: [VideoName: Found] = [:]
    /// Videos whose content was compared with their name.
    private var verified: Set<VideoName> = []
    private var lastUse: Int64 = 0

    private struct Found {
        let head: S3Head
        let time: Int64
    }

    /// Notes a use, later than every one before and than the upload, whatever the clocks say.
    ///
    /// - Parameters:
    ///   - name: of the video.
    ///   - now: milliseconds since 1970.
    ///   - uploaded: the same, to the second; `nil` if that was just now.
    mutating func noteUse(_ name: VideoName, now: Int64, uploaded: Int64?) {
        if uses.count >= Self.limit { uses.removeAll(keepingCapacity: true) }
        lastUse = max(now, lastUse + 1, (uploaded ?? 0) + 1_000)
        uses[name] = lastUse
    }

    /// When this process used it last; 0 if it did not.
    func lastUse(of name: VideoName) -> Int64 {
        uses[name] ?? 0
    }

    mutating func noteFound(_ name: VideoName, _ head: S3Head, now: Int64) {
        if found.count >= Self.limit { found.removeAll(keepingCapacity: true) }
        found[name] = Found(head: head, time: now)
    }

    /// A video that was found a moment ago.
    func head(of name: VideoName, now: Int64) -> S3Head? {
        guard let found = found[name], (0..<Self.trust).contains(now - found.time) else { return nil }
        return found.head
    }

    func isVerified(_ name: VideoName) -> Bool {
        verified.contains(name)
    }

    mutating func noteVerified(_ name: VideoName) {
        if verified.count >= Self.limit { verified.removeAll(keepingCapacity: true) }
        verified.insert(name)
    }

    mutating func forget(_ name: VideoName) {
        uses[name] = nil
        found[name] = nil
        verified.remove(name)
    }
}
