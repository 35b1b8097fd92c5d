import ArgumentParser
import Foundation

/// The command `animato cancel`: tasks end without a video.
struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cancel tasks that wait or run.",
        discussion: """
            Examples:
              animato cancel 019fabc0-…
              animato cancel --all
              animato cancel --all --yes

            A generation that others wait for goes on for them. --all is all of one's own that wait or run, and asks first.
            Exit codes: 0 all of them were cancelled, 1 one of them was not (it had ended, or there is none of that id) or
            the answer was no, 69 no server answers.
            """
    )

    @Argument(help: ArgumentHelp("The tasks, as `animato tasks` names them.", valueName: "task-id"))
    var tasks: [String] = []

    @Flag(help: "All of one's own that wait or run.")
    var all = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var server: ServerOption

    func validate() throws {
        guard tasks.isEmpty == all else {
            throw ValidationError(all ? "Name tasks, or --all, not both." : "Name the tasks to cancel, or --all.")
        }
    }

    func run() async throws {
        guard !all || yes || isatty(STDIN_FILENO) == 1 else {
            throw ValidationError("Nobody is there to ask: say --yes to cancel all tasks.")
        }
        let client = try server.client()
        try await APIClient.orExit { () async throws in
            let named = all ? try await underWay(client) : tasks
            guard !named.isEmpty else { return print("No task waits or runs.") }
            if all, !yes { try ask(named.count) }
            var isWhole = true
            for id in named {
                do throws(APIClient.Failure) {
                    print("\(TextWidth.plain(try await client.cancel(id).task.taskId)) cancelled")
                } catch {
                    // The others are to be cancelled all the same, unless nobody is there to do it.
                    guard case .refused(let problem) = error, !error.isTemporary else { throw error }
                    // What ended by itself meanwhile needs no cancelling.
                    guard !all || problem.code != "task_already_ended" else { continue }
                    Terminal.writeError("animato: \(TextWidth.plain(id)): \(problem.text)\n")
                    isWhole = false
                }
            }
            guard isWhole else { throw Exit.failure }
        }
    }

    private func underWay(_ client: APIClient) async throws(APIClient.Failure) -> [String] {
        // Those that wait first, or one would begin while its neighbour ends.
        let waiting = try await client.tasks(.init(status: "PENDING")).tasks
        let running = try await client.tasks(.init(status: "RUNNING")).tasks
        var seen: Set<String> = []
        return (waiting + running).map(\.taskId).filter { seen.insert($0).inserted }
    }

    private func ask(_ count: Int) throws {
        Terminal.writeError("Cancel \(count == 1 ? "1 task" : "\(count) tasks")? [y/N] ")
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased()
        guard ["y", "yes"].contains(answer) else { throw Exit.because(Exit.failure, "Nothing was cancelled.") }
    }
}
