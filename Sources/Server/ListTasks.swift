import ArgumentParser
import Foundation

/// The status of a task, as the API spells it.
enum TaskStatusArgument: String, ExpressibleByArgument, CaseIterable {
    case pending
    case running
    case success
    case failed
    case cancelled

    /// Takes it in small and in capital letters.
    init?(argument: String) {
        self.init(rawValue: argument.lowercased())
    }

    var wire: String { rawValue.uppercased() }
}

/// The command `animato tasks`: the newest tasks of a server.
struct ListTasks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks",
        abstract: "List tasks, the newest first.",
        discussion: """
            Examples:
              animato tasks
              animato tasks --status running
              animato tasks --all --status failed --limit 100
              animato tasks --json | jq -r '.tasks[].task_id'

            --all shows those of every tenant, which takes a key with the scope admin where the server asks for keys.
            Exit codes: 0 shown, 1 the server refused, 69 no server answers.
            """
    )

    @Option(help: "Only those in this status.")
    var status: TaskStatusArgument?

    @Option(help: "How many, at most.")
    var limit = 20

    @Flag(help: "Those of every tenant.")
    var all = false

    @Option(help: "With --all: only those of this tenant.")
    var tenant: String?

    @Flag(help: "Print them as the server sends them: one JSON object.")
    var json = false

    @OptionGroup var server: ServerOption

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit takes 1 to 10000.") }
        guard tenant == nil || all else { throw ValidationError("--tenant needs --all.") }
    }

    func run() async throws {
        let client = try server.client()
        let listing = APIClient.TaskListing(isEverybodys: all, status: status?.wire, tenant: tenant, limit: limit)
        try await APIClient.orExit(asJSON: json) { () async throws in
            let (tasks, body) = try await client.tasks(listing)
            guard !json else { return Terminal.write(String(decoding: body, as: UTF8.self) + "\n") }
            // What is no terminal has no width, and a file no edge to cut at.
            let width = Terminal.behind(STDOUT_FILENO)?.columns ?? .max
            for line in TaskTable.lines(tasks, width: width, showsOwner: all) { Terminal.write(line + "\n") }
        }
    }
}
