import Foundation
import Simulation

/// What `animato simulate` answers: a report, or what a search has found with the report of that.
struct SimulationAnswer {
    private struct Document: Encodable {
        struct Find: Encodable {
            /// `nil`: nothing in the range does.
            var found: Double?
            var trials: [Search.Trial]
        }

        var find: Find?
        var report: SimulationReport?
    }

    private let search: Search?
    private let trials: [Search.Trial]
    private let found: Search.Trial?
    /// `nil` if what was looked for is not to be found.
    private let outcome: Simulator.Outcome?

    /// Simulates.
    init(_ contents: ScenarioReader.Contents) {
        search = contents.search
        if let search {
            (trials, found, outcome) = search.run(contents.scenario)
        } else {
            (trials, found, outcome) = ([], nil, Simulator(contents.scenario).run())
        }
    }

    var isFound: Bool { outcome != nil }

    var text: String {
        [searchText, outcome?.report.text].compactMap { $0 }.joined(separator: "\n")
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let find = search.map { _ in Document.Find(found: found?.value, trials: trials) }
            let document = Document(find: find, report: outcome?.report)
            return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
        }
    }

    /// What is written to a folder, by name.
    var files: [(name: String, text: String)] {
        get throws {
            let charts = outcome?.charts.map { ("\($0.name).svg", $0.chart.svg) } ?? []
            return [("report.txt", text), ("report.json", try json)] + charts
        }
    }

    /// Every trial, and what came of them.
    private var searchText: String? {
        guard let search else { return nil }
        let isCount = if case .count = search.quantity { true } else { false }
        func shown(_ value: Double) -> String {
            isCount ? "\(Int(value)) devices" : String(format: "%.4f %% repeats", value * 100)
        }
        var lines = trials.map { trial in
            let wait = String(format: "%.0f", trial.wait)
            let utilisation = String(format: "%.2f", trial.utilisation * 100)
            let refused = String(format: "%.2f", trial.refusedShare * 100)
            return "\(trial.isGood ? "yes" : "no ")  \(shown(trial.value)): wait \(wait) s, \(refused) % refused, "
                + "utilisation \(utilisation) %, \(trial.generations) generations"
        }
        lines.append(found.map { "found  \(shown($0.value))" } ?? "found  nothing up to \(shown(search.to)) does")
        return lines.joined(separator: "\n") + "\n"
    }
}
