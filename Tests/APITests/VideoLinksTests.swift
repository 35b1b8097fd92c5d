import Tasks
import TestSupport
import Testing

@testable import API

struct VideoLinksTests {
    private let clock = ManualClock()
    private let name = String(repeating: "0f", count: 32)

    private func links(_ secret: String = "a secret of at least 32 characters", lifetime: Int = 80) -> VideoLinks {
        VideoLinks(secret: secret, lifetime: .seconds(lifetime), clock: clock)
    }

    private func refusal(_ query: some StringProtocol, _ links: VideoLinks, of video: String? = nil) -> VideoLinks
        .Refusal?
    {
        do throws(VideoLinks.Refusal) {
            try links.check(Substring(query.drop { $0 == "?" }), for: video ?? name)
            return nil
        } catch {
            return error
        }
    }

    @Test("A link is good for its lifetime at least, and ends")
    func lifetime() {
        let links = links()
        let query = links.query(for: name, expiry: links.expiry)
        #expect(refusal(query, links) == nil)
        clock.advance(by: .seconds(80))
        #expect(refusal(query, links) == nil)
        clock.advance(by: .seconds(11))
        #expect(refusal(query, links) == .expired)
    }

    @Test("For a while a link stays the same")
    func grain() {
        let links = links(lifetime: 86_400)
        var expiries: Set<Int64> = []
        for _ in 0..<60 {
            expiries.insert(links.expiry)
            clock.advance(by: .seconds(60))
        }
        #expect(expiries.count <= 2)
    }

    @Test("Whatever is changed in a link, it opens nothing")
    func forged() {
        let links = links()
        let expiry = links.expiry
        let query = links.query(for: name, expiry: expiry)
        #expect(refusal(query, links, of: String(repeating: "1", count: 64)) == .wrong)
        #expect(refusal(query.replacing("expires=", with: "expires=1"), links) == .wrong)
        #expect(refusal(query, self.links("another secret of 32 characters!")) == .wrong)
        #expect(refusal(query + "&expires=99999999999", links) == .wrong)
        #expect(refusal(query + "&download=1", links) == nil)
        for broken in ["", "?", "expires=\(expiry)", "signature=abc", "?expires=x&signature=y", query.dropLast(2)]
            as [any StringProtocol]
        {
            #expect(refusal(String(broken), links) == .missing)
        }
    }

    @Test("Without a secret of the settings there are links while keys are needed, and else none")
    func source() {
        let secret = String(repeating: "s", count: 32)
        let kept = APISettings(keptLinkSecret: secret)
        #expect(LinkSource(kept, clock: clock, needsKeys: { false }).current == nil)
        #expect(LinkSource(kept, clock: clock, needsKeys: { true }).current != nil)
        #expect(LinkSource(APISettings(), clock: clock, needsKeys: { true }).current == nil)
        #expect(LinkSource(APISettings(videoLinkSecret: secret), clock: clock, needsKeys: { false }).current != nil)
    }
}
