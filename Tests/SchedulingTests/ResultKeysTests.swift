import Results
import Tasks
import TestSupport
import Testing

@testable import Scheduling

@Suite("Remembered result keys")
struct ResultKeysTests {
    @Test("A remembered key is the computed one, also after the model or its engine has changed")
    func models() throws {
        let keys = ResultKeys()
        let request = try VideoRequest.fixture("a cat")
        var other = ModelDescription.fixture
        other.fingerprint = String(repeating: "0", count: 64)
        var upgraded = other
        upgraded.engineVersion = "2"
        for model in [ModelDescription.fixture, .fixture, other, upgraded, upgraded, .fixture] {
            #expect(keys.key(of: request, madeBy: model) == model.key(of: request))
        }
    }

    @Test("Many requests are forgotten and computed again, never mixed up")
    func many() throws {
        let keys = ResultKeys()
        for index in [0, 1, 2, 3000, 0, 1] {
            for offset in 0..<(index == 3000 ? 3000 : 1) {
                let request = try VideoRequest.fixture("\(index + offset)")
                #expect(keys.key(of: request, madeBy: .fixture) == ModelDescription.fixture.key(of: request))
            }
        }
    }
}
