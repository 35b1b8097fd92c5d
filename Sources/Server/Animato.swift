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
            animato generate "a cat on grass"  have a running server make a video
            animato doctor                     see what this machine has and what it lacks

            Settings come from flags, then ANIMATO_… in the environment, then a YAML file; `animato settings` lists them.
            """,
        version: Version.current,
        subcommands: [Serve.self, Generate.self, Doctor.self, Settings.self]
    )
}

/// The version of this program.
enum Version {
    static let current = "0.1.0"
}

/// The exit codes of every command, after `sysexits.h` where that has one.
enum Exit {
    /// The settings are wrong; everything that is wrong was printed.
    static let configuration = ExitCode(78)
    /// Something the command needs is not to be had: the port or the data directory is in use, no server answers.
    static let unavailable = ExitCode(69)
    /// It was done, and the answer is no: the task failed, the machine lacks something.
    static let failure = ExitCode(1)

    /// Prints an error for people and returns the code to leave with.
    static func because(_ code: ExitCode, _ message: String) -> ExitCode {
        FileHandle.standardError.write(Data("animato: \(message)\n".utf8))
        return code
    }
}
