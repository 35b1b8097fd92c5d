import Foundation
import Simulation
import Tasks
import Testing

@testable import Server

/// The answer to mission row 13 in `docs/capacity.md` is that of the commands it names.
///
/// Not the whole search is repeated, which takes a minute without optimisation: what was found is tried again, and the line
/// that the command prints of it must be in the document.
@Suite("docs/capacity.md")
struct CapacityDocumentTests {
    /// What the command prints of a trial of a search.
    private func line(_ name: String, value: Double) throws -> (text: String, isGood: Bool) {
        var contents = try ScenarioReader.read(file: CapacityDocument.example(name))
        let search = try #require(contents.search)
        // One step wide, so that this one value is tried.
        contents.search = Search(
            quantity: search.quantity,
            from: value,
            to: value,
            step: search.step,
            aim: search.aim
        )
        let answer = SimulationAnswer(contents)
        return (String(answer.text.prefix { $0 != "\n" }), answer.isFound)
    }

    /// The value that the document says was found, from the line that the command ends with.
    private func found(_ pattern: Regex<(Substring, Substring)>) throws -> Double {
        let match = try #require(try CapacityDocument().text.firstMatch(of: pattern))
        return try #require(Double(match.1))
    }

    @Test(
        "So many cache hits let two A100s sustain twenty requests a second, and a hundredth of a per mille fewer do not"
    )
    func withCache() throws {
        let share = try found(#/found  ([0-9.]+) % repeats/#) / 100
        let document = try CapacityDocument()
        let enough = try line("two-a100-with-cache", value: share)
        #expect(enough.isGood)
        #expect(document.text.contains(enough.text))
        let tooFew = try line("two-a100-with-cache", value: share - 0.00001)
        #expect(!tooFew.isGood)
    }

    @Test("So many A100s sustain twenty requests a second without a cache")
    func withoutCache() throws {
        let count = try found(#/found  ([0-9]+) devices/#)
        let enough = try line("a100s-without-cache", value: count)
        #expect(enough.isGood)
        #expect(try CapacityDocument().text.contains(enough.text))
    }

    /// Seconds of one video more on one A100.
    private func seconds(_ work: Work) -> Double {
        func all(_ total: Int) -> Double {
            let traffic = [ScenarioFixture.tenants(arrival: .atOnce, total: total, works: [work])]
            return Simulator(ScenarioFixture.scenario([ScenarioFixture.a100(1)], traffic)).run().report.seconds
        }
        return all(2) - all(1)
    }

    @Test("The table of other videos is what the cost model says")
    func table() throws {
        let row = #/\| (12|7)B, ([0-9]+)×([0-9]+), ([0-9]+) frames, ([0-9]+) steps \| (.+?) \| (.+?) \| (.+?) % \|/#
        let rows = try CapacityDocument().text.matches(of: row)
        #expect(rows.count == 14)
        for row in rows {
            let work = ScenarioFixture.work(
                width: try #require(Int(row.3)),
                height: try #require(Int(row.2)),
                frames: try #require(Int(row.4)),
                steps: try #require(Int(row.5)),
                model: "easyanimate-\(row.1)b"
            )
            let seconds = seconds(work)
            #expect(String(row.6) == String(format: "%.1f", seconds))
            #expect(Double(row.7.filter { $0 != "," }) == (20 * seconds).rounded(.up))
            let hits = ((1 - 2 / seconds / 20) * 100_000).rounded(.up) / 1000
            #expect(String(row.8) == String(format: "%.3f", hits))
        }
    }
}
