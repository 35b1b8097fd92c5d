import Foundation
import NIOCore
import Testing

@testable import Results

@Suite("Memory level")
struct MemoryLevelTests {
    /// A name that is spread as a hash is.
    private func name(_ number: Int) throws -> VideoName {
        var generator = Spread(state: UInt64(number))
        let digits = (0..<4).map { _ in
            let hex = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - hex.count) + hex
        }
        return try #require(VideoName(digits.joined()))
    }

    private func ask(_ hot: inout HotSet, _ name: VideoName, bytes: Int = 10) -> Bool {
        if hot.find(name) != nil { return true }
        hot.insert(name, ByteBuffer(repeating: 0, count: bytes))
        return false
    }

    @Test("A scan of ten thousand videos that are read once does not flush the ten that are read often")
    func scan() throws {
        var hot = HotSet(MemoryLevelSettings())
        let favourites = try (0..<10).map(name)
        for _ in 0..<8 { for favourite in favourites { _ = ask(&hot, favourite) } }
        for number in 1000..<11_000 { _ = ask(&hot, try name(number)) }
        for favourite in favourites { #expect(hot.find(favourite) != nil) }
    }

    @Test("What has become popular takes the place of what was")
    func change() throws {
        var hot = HotSet(MemoryLevelSettings(maxEntries: 2))
        for number in 0..<2 { for _ in 0..<3 { _ = ask(&hot, try name(number)) } }
        for _ in 0..<5 { _ = ask(&hot, try name(2)) }
        #expect(hot.bytes(of: try name(2)) == 10)
        #expect(hot.bytes(of: try name(0)) == nil)
        #expect(hot.bytes(of: try name(1)) == 10)
    }

    @Test("No more entries and bytes than the bounds say, and no video over a quarter of them")
    func bounds() throws {
        let settings = MemoryLevelSettings(maxEntries: 5, maxBytes: 100)
        var hot = HotSet(settings)
        for round in 0..<200 {
            let number = round % 17
            _ = ask(&hot, try name(number), bytes: number * 2)
            let kept = try (0..<17).compactMap { hot.bytes(of: try name($0)) }
            #expect(kept.count <= 5)
            #expect(kept.reduce(0, +) <= 100)
            #expect(kept.allSatisfy { $0 <= 25 })
        }
    }

    @Test("A large newcomer must be worth more than each that it takes the place of")
    func large() throws {
        var hot = HotSet(MemoryLevelSettings(maxEntries: 10, maxBytes: 40))
        for number in 0..<4 { for _ in 0..<(number == 3 ? 9 : 2) { _ = ask(&hot, try name(number)) } }
        for _ in 0..<3 { _ = ask(&hot, try name(9), bytes: 10) }
        #expect(try (0..<4).filter { hot.bytes(of: try name($0)) != nil } == [1, 2, 3])
    }

    @Test("A set larger than what a newcomer is compared with keeps its bounds and its favourites")
    func largeSet() throws {
        var hot = HotSet(MemoryLevelSettings(maxEntries: 500, maxBytes: 1 << 20))
        let favourites = try (0..<400).map(name)
        for _ in 0..<5 { for favourite in favourites { _ = ask(&hot, favourite) } }
        let others = try (1000..<6000).map(name)
        for other in others { _ = ask(&hot, other) }
        #expect(favourites.allSatisfy { hot.bytes(of: $0) == 10 })
        for other in others.prefix(100) { for _ in 0..<9 { _ = ask(&hot, other) } }
        #expect(others.prefix(100).allSatisfy { hot.bytes(of: $0) == 10 })
        #expect((favourites + others).count { hot.bytes(of: $0) != nil } == 500)
    }

    @Test("No entries turn it off")
    func off() throws {
        var hot = HotSet(MemoryLevelSettings(maxEntries: 0))
        for _ in 0..<20 { #expect(!ask(&hot, try name(1))) }
    }

    @Test("A sketch never says less than is true, and little more")
    func sketch() {
        var sketch = FrequencySketch()
        var generator = Spread(state: 7)
        let hashes = (0..<5000).map { _ in generator.next() }
        for (index, hash) in hashes.enumerated() { for _ in 0...index % 4 { sketch.see(hash) } }
        var excess = 0
        for (index, hash) in hashes.enumerated() {
            let truth = index % 4 + 1
            #expect(Int(sketch.frequency(of: hash)) >= truth)
            excess += Int(sketch.frequency(of: hash)) - truth
        }
        #expect(excess < 100)
    }

    @Test("Counts stop at 15 and are halved with time")
    func aging() {
        var sketch = FrequencySketch()
        for _ in 0..<20 { sketch.see(1) }
        #expect(sketch.frequency(of: 1) == 15)
        for _ in 20..<FrequencySketch.period { sketch.see(.max) }
        #expect(sketch.frequency(of: 1) == 7)
    }

    @Test("The oldest of many are found, in order", arguments: [0, 1, 7, 100, 1000])
    func oldest(limit: Int) throws {
        var oldest = OldestVideos(limit: limit)
        var videos: [KeptVideo] = []
        var generator = Spread(state: 3)
        for number in 0..<300 {
            videos.append(KeptVideo(name: try name(number), bytes: 1, lastUsed: Int64(generator.next() % 100)))
            oldest.insert(videos[number])
        }
        let expected = videos.sorted { ($0.lastUsed, $0.name.hex) < ($1.lastUsed, $1.name.hex) }.prefix(limit)
        #expect(oldest.inOrder == Array(expected))
    }
}

/// Numbers that look random and are the same in every run.
private struct Spread: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
