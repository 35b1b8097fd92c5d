import NIOCore

/// The whole videos that are worth their place in memory.
///
/// A video takes the place of others only if it was asked for more often than each of them lately: a scan of many videos
/// that are asked for once changes nothing.
struct HotSet: Sendable {
    /// Videos that a newcomer is compared with, so that a miss costs no more in a large set; each time others.
    static let sampleSize = 64

    private let settings: MemoryLevelSettings
    private var videos: [VideoName: Entry] = [:]
    /// The same videos, in no order.
    private var names: [VideoName] = []
    private var sketch = FrequencySketch()
    private var bytes: Int64 = 0
    private var uses: UInt64 = 0

    private struct Entry {
        let content: ByteBuffer
        var lastUse: UInt64
        /// In `names`.
        var place: Int
        var bytes: Int64 { Int64(content.readableBytes) }
    }

    init(_ settings: MemoryLevelSettings) {
        self.settings = settings
    }

    /// The content, if it is here; counts that it was asked for either way.
    mutating func find(_ name: VideoName) -> ByteBuffer? {
        sketch.see(name.prefixBits)
        uses += 1
        videos[name]?.lastUse = uses
        return videos[name]?.content
    }

    /// The content, if it is here; counts nothing.
    func content(of name: VideoName) -> ByteBuffer? {
        videos[name]?.content
    }

    /// The length of a video that is here.
    func bytes(of name: VideoName) -> Int64? {
        videos[name]?.bytes
    }

    /// Whether a video of that length would be let in now.
    func admits(_ name: VideoName, bytes: Int64) -> Bool {
        victims(for: name, bytes: bytes) != nil
    }

    /// Keeps a video, and lets go what it takes the place of; does nothing if it is not let in.
    mutating func insert(_ name: VideoName, _ content: ByteBuffer) {
        guard let victims = victims(for: name, bytes: Int64(content.readableBytes)) else { return }
        for victim in victims { remove(victim) }
        uses += 1
        videos[name] = Entry(content: content, lastUse: uses, place: names.count)
        names.append(name)
        bytes += Int64(content.readableBytes)
    }

    mutating func remove(_ name: VideoName) {
        guard let entry = videos.removeValue(forKey: name) else { return }
        bytes -= entry.bytes
        let last = names.removeLast()
        guard last != name else { return }
        names[entry.place] = last
        videos[last]?.place = entry.place
    }

    /// What a newcomer takes the place of: the least asked for, of those the one used longest ago; `nil` if it is worth
    /// less than any of them.
    private func victims(for name: VideoName, bytes newBytes: Int64) -> [VideoName]? {
        guard videos[name] == nil, settings.maxEntries > 0, newBytes <= settings.maxVideoBytes else { return nil }
        var entries = videos.count + 1
        var bytes = bytes + newBytes
        func isTooMuch() -> Bool { entries > settings.maxEntries || bytes > settings.maxBytes }
        guard isTooMuch() else { return [] }
        let worth = sketch.frequency(of: name.prefixBits)
        let start = names.isEmpty ? 0 : Int(uses % UInt64(names.count))
        let ranked = (0..<min(names.count, Self.sampleSize)).compactMap { offset -> Candidate? in
            let name = names[(start + offset) % names.count]
            return videos[name].map { Candidate(name, sketch.frequency(of: name.prefixBits), $0) }
        }.sorted { ($0.frequency, $0.entry.lastUse) < ($1.frequency, $1.entry.lastUse) }
        var victims: [VideoName] = []
        for candidate in ranked where isTooMuch() {
            guard candidate.frequency < worth else { return nil }
            victims.append(candidate.name)
            entries -= 1
            bytes -= candidate.entry.bytes
        }
        return isTooMuch() ? nil : victims
    }

    private struct Candidate {
        let name: VideoName
        let frequency: UInt8
        let entry: Entry

        init(_ name: VideoName, _ frequency: UInt8, _ entry: Entry) {
            self.name = name
            self.frequency = frequency
            self.entry = entry
        }
    }
}

/// How much of the hottest results is kept in memory.
package struct MemoryLevelSettings: Sendable, Equatable {
    /// Videos; 0 turns the level off.
    package var maxEntries: Int
    package var maxBytes: Int64

    package init(maxEntries: Int = 10, maxBytes: Int64 = 256 << 20) {
        self.maxEntries = maxEntries
        self.maxBytes = maxBytes
    }

    /// A larger video is never kept: it would take the place of too many.
    package var maxVideoBytes: Int64 { maxBytes / 4 }
}

extension VideoName {
    /// The first 64 bits of the hash.
    var prefixBits: UInt64 {
        hex.utf8.prefix(16).reduce(0) { $0 << 4 | UInt64($1 < 58 ? $1 - 48 : $1 - 87) }
    }
}
