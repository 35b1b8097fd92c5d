import ArgumentParser
import Foundation
import Simulation

/// `animato simulate`: what a fleet would do under a load.
struct Simulate: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    static let configuration = CommandConfiguration(
        abstract: "See what a fleet would do under a load, without having it.",
        discussion: """
            Runs the server's own order, placement, admission, degradation and batching under a virtual clock against the
            fleet and the traffic of a YAML file (docs/capacity.md), and prints waits, utilisation, fairness and cost. With
            --output it draws them too. The same file and seed give the same answer.

            Examples:
              animato simulate scenario.yaml
              animato simulate scenario.yaml --output report
              animato simulate scenario.yaml --format json --seed 7

            Exit codes: 0 done, 1 what the file looks for is not to be found, 78 the file is wrong.
            """
    )

    @Argument(help: ArgumentHelp("The fleet and the traffic.", valueName: "file.yaml"))
    var file: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A folder for the report and the pictures.", valueName: "directory")
    )
    var output: String?

    @Option(help: "Other random numbers than those of the file.")
    var seed: UInt64?

    @Option(help: ArgumentHelp("How the report is printed.", valueName: "text|json"))
    var format = Format.text

    func run() throws {
        var contents: ScenarioReader.Contents
        do throws(SettingsReader.Faults) {
            contents = try ScenarioReader.read(file: file)
        } catch {
            for fault in error.faults { FileHandle.standardError.write(Data("animato: \(fault)\n".utf8)) }
            throw Exit.configuration
        }
        if let seed { contents.scenario.seed = seed }
        let answer = SimulationAnswer(contents)
        let text = format == .json ? try answer.json : answer.text
        FileHandle.standardOutput.write(Data(text.utf8))
        if let output { try write(answer, to: output) }
        guard answer.isFound else { throw Exit.failure }
    }

    private func write(_ answer: SimulationAnswer, to directory: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for (name, text) in try answer.files {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            }
        } catch {
            throw Exit.because(Exit.unavailable, "\(directory) cannot be written to: \(error.localizedDescription)")
        }
    }
}
