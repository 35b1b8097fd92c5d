import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Media")
struct MediaTests {
    @Test("An id is 64 lower-case hexadecimal digits and nothing else")
    func ids() throws {
        let hex = String(repeating: "0123456789abcdef", count: 4)
        #expect(try #require(MediaID(hex)).hex == hex)
        #expect(MediaID(hex)?.description == hex)
        #expect(MediaID(hex[...]) != nil)
        let (first, last) = (String(hex.dropFirst()), String(hex.dropLast()))
        let wrong: [String] = [
            "", last, "\(hex)0", hex.uppercased(), "g\(first)", "/\(first)", "../\(first.dropFirst(2))",
            "\u{FF11}\(first.dropFirst(2))", "\(last)\n", "\(last)\0",
        ]
        #expect(wrong.allSatisfy { MediaID($0) == nil })
    }

    @Test("Ids are in the order of their digits, and are read back as they were written")
    func order() throws {
        let ids = ["b", "a", "0", "9"].compactMap { MediaID(String(repeating: $0, count: 64)) }
        #expect(ids.sorted().map { $0.hex.prefix(1) } == ["0", "9", "a", "b"])
        let bytes = try JSONEncoder().encode(ids)
        #expect(try JSONDecoder().decode([MediaID].self, from: bytes) == ids)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([MediaID].self, from: Data(#"["../../etc/passwd"]"#.utf8))
        }
    }

    @Test("A role takes files of one kind")
    func kinds() {
        #expect(InputRole.allCases.filter { $0.kind == .video } == [.video, .controlVideo])
        #expect(InputRole.allCases.filter { $0.kind == .image } == [.startImage, .endImage, .refImage])
    }

    @Test("At its own rate a video has as many frames as it has, although its length is rounded", arguments: 1...60)
    func ownRate(rate: Int) {
        let wrong = (1...1200).filter { Media.video(frames: $0, fps: Double(rate)).frames(at: rate) != $0 }
        #expect(wrong.isEmpty)
    }

    /// An engine counts the times 0, 1/rate, 2/rate … before the end.
    @Test("At another rate it has no more frames than an engine finds, and at most one less", arguments: 1...60)
    func otherRate(rate: Int) {
        for own in [1, 8, 15, 16, 24, 25, 30, 48, 50, 60] {
            let wrong = (1...200).filter { frames in
                let found = (frames * rate + own - 1) / own
                let said = Media.video(frames: frames, fps: Double(own)).frames(at: rate)
                return said > found || said < found - 1
            }
            #expect(wrong.isEmpty, "of a video at \(own)")
        }
    }

    @Test("It has at least one frame, and none without end")
    func frameBounds() {
        #expect(Media.picture().frames(at: 60) == 1)
        for seconds in [-1, 0, .nan, .infinity, 1e300] {
            var media = Media.video()
            media.seconds = seconds
            #expect(media.frames(at: 8) == 1)
        }
        #expect(Media.video(frames: 1, fps: 60).frames(at: 1) == 1)
        #expect(Media.video(frames: 144, fps: 24).frames(at: 8) == 48)
    }
}
