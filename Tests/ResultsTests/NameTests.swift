import Foundation
import Results
import Testing

@Suite("Names of videos")
struct VideoNameTests {
    @Test("Only 64 lower-case hexadecimal digits are a name")
    func names() {
        let good = String(repeating: "0123456789abcdef", count: 4)
        #expect(VideoName(good)?.hex == good)
        for bad in ["", "abc", good.uppercased(), good + "0", "../" + good.dropFirst(3), good.dropLast() + "é"] {
            #expect(VideoName(bad) == nil)
        }
    }
}

@Suite("Result keys")
struct ResultKeyTests {
    private func key(
        _ request: String,
        _ model: String = "m",
        _ engine: String = "1",
        scope: String? = nil
    ) -> ResultKey {
        ResultKey(canonicalRequest: Data(request.utf8), modelFingerprint: model, engineVersion: engine, scope: scope)
    }

    @Test("Equal parts give one key, and every part counts")
    func parts() {
        #expect(key("a") == key("a"))
        #expect(key("a", scope: "t") == key("a", scope: "t"))
        let keys = [
            key("a"), key("b"), key("a", "n"), key("a", "m", "2"), key("a", scope: ""), key("a", scope: "t"),
            key("a", scope: "u"),
        ]
        #expect(Set(keys).count == keys.count)
    }

    @Test("The border between two parts counts")
    func borders() {
        #expect(key("a", "bc", "d") != key("a", "b", "cd"))
        #expect(key("ab", "c") != key("a", "bc"))
        #expect(key("ab", scope: "c") != key("a", scope: "bc"))
    }

    @Test("A key without a scope is what it always was")
    func stability() {
        #expect(key("{}").hex == "e3be6a54bc7ed408cb8f04b4c0cec89d42822c41c427044cc27eec146c8214a1")
    }
}
