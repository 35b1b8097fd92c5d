import ArgumentParser
import Foundation

/// The exit codes of every command, after `sysexits.h` where that has one.
enum Exit {
    /// The settings are wrong; everything that is wrong was printed.
    static let configuration = ExitCode(78)
    /// Something the command needs is not to be had: the port or the data directory is in use, no server answers.
    static let unavailable = ExitCode(69)
    /// It was done, and the answer is no: the task failed, the machine lacks something.
    static let failure = ExitCode(1)
    /// The command was ended by Ctrl-C or SIGTERM before it was done.
    static let interrupted = ExitCode(130)

    /// All that a command may leave with, and what each says; the table of `docs/cli.md`.
    static let meanings: [(code: ExitCode, meaning: String)] = [
        (.success, "Done."),
        (failure, "The answer is no: a request was refused, a task failed, a machine lacks something."),
        (.validationFailure, "The command line is wrong; nothing was done."),
        (unavailable, "No server answers, or what the command needs is in use or cannot be written."),
        (configuration, "The settings are wrong, or would let anybody in from elsewhere."),
        (interrupted, "Ended by Ctrl-C or SIGTERM; the task was cancelled."),
    ]

    /// Prints an error for people and returns the code to leave with.
    static func because(_ code: ExitCode, _ message: String) -> ExitCode {
        Terminal.writeError("animato: \(message)\n")
        return code
    }
}
