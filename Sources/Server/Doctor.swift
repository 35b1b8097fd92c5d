import ArgumentParser
import Engine
import Foundation

/// The command `animato doctor`: what this machine has, what it lacks, and what to do about it.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what this machine has and what it lacks.",
        discussion:
            "One line for each thing. Exit codes: 0 all is there, 1 something is missing, 78 the settings are wrong."
    )

    @OptionGroup var options: SettingOptions

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let configuration = try options.configuration()
        var examination = Examination(configuration: configuration)
        let findings = await examination.findings()
        for finding in findings { print(finding.line) }
        guard findings.allSatisfy(\.isGood) else { throw Exit.failure }
    }
}
