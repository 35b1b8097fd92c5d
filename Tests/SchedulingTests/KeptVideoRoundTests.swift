import Results
import Testing

@testable import Scheduling

@Suite("Rounds over kept videos")
struct KeptVideoRoundTests {
    private static func video(_ digit: String, bytes: Int64 = 10) throws -> KeptVideo {
        KeptVideo(name: try #require(VideoName(String(repeating: digit, count: 64))), bytes: bytes, lastUsed: 0)
    }

    private static func digits(_ videos: [KeptVideo]) -> String {
        videos.map { String($0.name.hex.prefix(1)) }.joined()
    }

    @Test("Everything comes once, in the order of the names, then the next round begins")
    func order() throws {
        let videos = try ["c", "a", "e", "b", "d"].map { try Self.video($0) }
        var round = KeptVideoRound()
        let parts = (0..<5).map { _ in Self.digits(round.next(of: videos, limit: 2)) }
        #expect(parts == ["ab", "cd", "e", "", "ab"])
    }

    @Test("What comes and goes meanwhile disturbs nothing")
    func changes() throws {
        var round = KeptVideoRound()
        #expect(Self.digits(round.next(of: try ["a", "c", "e"].map { try Self.video($0) }, limit: 2)) == "ac")
        #expect(Self.digits(round.next(of: try ["b", "d", "f"].map { try Self.video($0) }, limit: 2)) == "df")
        #expect(round.next(of: []).isEmpty)
        #expect(round.next(of: []).isEmpty)
    }

    @Test("A part ends where its bytes do, and one that is larger than that is a part of its own")
    func bytes() throws {
        let videos = [
            try Self.video("a", bytes: 60), try Self.video("b", bytes: 60), try Self.video("c", bytes: 500),
            try Self.video("d", bytes: .max), try Self.video("e", bytes: .max),
        ]
        var round = KeptVideoRound()
        let parts = (0..<5).map { _ in Self.digits(round.next(of: videos, bytes: 100)) }
        #expect(parts == ["ab", "c", "d", "e", ""])
    }
}
