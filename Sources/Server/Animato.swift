import ArgumentParser
import Foundation

/// The command `animato`.
///
/// One binary for every role; what it does is chosen by the subcommand.
@main
struct Animato: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "animato",
        abstract: "A video generation server for EasyAnimate.",
        discussion: """
            animato serve                      start the server on http://127.0.0.1:5000
            animato worker                     make videos for servers on other machines
            animato generate "a cat on grass"  have a running server make a video, and save it
            animato tasks                      see what was asked for and what became of it
            animato top                        watch devices, the queue and tasks
            animato doctor                     see what this machine has and what it lacks
            animato help generate              read about one command

            Settings come from flags, then ANIMATO_… in the environment, then a YAML file; `animato settings` lists them.
            Commands that ask a running server take its address from --server, and a key from ANIMATO_KEY.

            Exit codes:
            \(Exit.meanings.map { "  \(TextWidth.padded(String($0.code.rawValue), to: 3))  \($0.meaning)" }
                .joined(separator: "\n"))
            """,
        version: Version.current,
        subcommands: [
            Serve.self, Worker.self, Generate.self, ListTasks.self, Cancel.self, Top.self, Devices.self, Drain.self,
            Resume.self,
            Keys.self, Doctor.self, Settings.self, Simulate.self, Completion.self,
        ]
    )
}

/// The version of this program.
enum Version {
    static let current = "0.1.0"
}
