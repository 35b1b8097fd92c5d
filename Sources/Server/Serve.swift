import ArgumentParser

/// `animato serve`: the server, until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the server.",
        discussion: """
            Runs until SIGTERM or Ctrl-C. Tasks that were accepted are kept, also over a crash, and go on at the next start.

            Several servers share their tasks where store.url names a Redis for all of them; --role api is one without
            engines, beside processes of `animato worker`.

            Examples:
              animato serve
              animato serve --port 8080 --data /srv/animato --devices cuda:0,cuda:1
              animato serve --config animato.yaml --set queue.limit=500
              animato serve --role api --store redis://redis:6379 --set storage.directory=/mnt/animato

            Exit codes: 0 stopped, 69 the port, the data directory or the store cannot be used, 78 the settings are wrong,
            or would let anybody in from elsewhere.
            """
    )

    /// Roles that answer requests.
    enum Role: String, ExpressibleByArgument, CaseIterable {
        case all
        case api

        var role: ServerRole {
            switch self {
            case .all: .all
            case .api: .api
            }
        }
    }

    @Option(help: "What it does: everything, or everything but making videos.")
    var role = Role.all

    @OptionGroup var options: SettingOptions

    func run() async throws {
        try await Launch.run(try options.configuration(), as: role.role)
    }
}

/// `animato worker`: engines that make what is asked for elsewhere.
struct Worker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make videos for servers on other machines.",
        discussion: """
            Takes work from the Redis of store.url, which the servers that answer requests share, and runs until SIGTERM or
            Ctrl-C: then what it makes ends or goes back to the queue. It answers no requests; with metrics.port it shows
            /metrics, /healthz and /readyz.

            Examples:
              animato worker --store redis://redis:6379 --set storage.directory=/mnt/animato
              animato worker --config animato.yaml --devices cuda:0,cuda:1 --set metrics.port=9464

            Exit codes: 0 stopped, 69 the store or the folder cannot be used, 78 the settings are wrong.
            """
    )

    @OptionGroup var options: SettingOptions

    func run() async throws {
        try await Launch.run(try options.configuration(), as: .worker)
    }
}
