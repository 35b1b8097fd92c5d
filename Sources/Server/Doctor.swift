import ArgumentParser
import Engine
import Foundation

/// The command `animato doctor`: what this machine has, what it lacks, and what to do about it.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what this machine has and what it lacks.",
        discussion: """
            One line for each thing: ok, warning (it works, and not as well as it could) or missing (it does not work, and
            what to do); the last line says what this machine can make. Nothing is started and nothing is changed, but that
            the data directory is made.

            Examples:
              animato doctor
              animato doctor --model alibaba-pai/EasyAnimateV5.1-7b-zh-diffusers
              animato doctor --json | jq -r '.findings[] | select(.verdict != "ok").text'

            Exit codes: 0 nothing is missing, 1 something is, 78 the settings are wrong.
            """
    )

    @Flag(help: "Print one JSON object: findings, summary, verdict.")
    var json = false

    @OptionGroup var options: SettingOptions

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let configuration = try options.configuration()
        var examination = Examination(configuration: configuration)
        let findings = await examination.findings()
        let diagnosis = Diagnosis(findings, abilities: examination.abilities)
        if json {
            print(try diagnosis.json())
        } else {
            let isColoured = Terminal.takesColour(STDOUT_FILENO)
            for line in diagnosis.lines(isColoured: isColoured) { print(line) }
        }
        guard diagnosis.verdict < .missing else { throw Exit.failure }
    }
}
