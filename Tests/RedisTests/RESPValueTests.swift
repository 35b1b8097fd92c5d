import Testing

@testable import Redis

struct RESPValueTests {
    @Test("An integer is read from its own kind and from a string that spells one")
    func integers() {
        #expect(RESPValue.integer(7).integer == 7)
        #expect(RESPValue.bulk(Array("-7".utf8)).integer == -7)
        #expect(RESPValue.bulk(Array("7a".utf8)).integer == nil)
        #expect(RESPValue.null.integer == nil)
    }
}
