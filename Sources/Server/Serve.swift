import API
import ArgumentParser
import Foundation
import Logging
import NIOCore

/// `animato serve`: the server, until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the server.",
        discussion: """
            Runs until SIGTERM or Ctrl-C. Tasks that were accepted are kept, also over a crash, and go on at the next start.

            Examples:
              animato serve
              animato serve --port 8080 --data /srv/animato --devices cuda:0,cuda:1
              animato serve --config animato.yaml --set queue.limit=500

            Exit codes: 0 stopped, 69 the port or the data directory is in use, 78 the settings are wrong,
            or would let anybody in from elsewhere.
            """
    )

    @OptionGroup var options: SettingOptions

    func run() async throws {
        // A write to an engine that has died must be an error, not the end of the server.
        signal(SIGPIPE, SIG_IGN)
        let configuration = try options.configuration()
        let registry = Counting.begin()
        let writer = LogWriter(configuration.logFormat, level: configuration.logLevel)
        LoggingSystem.bootstrap { CountingLogHandler(writer.labelled($0)) }
        let logger = Logger(label: "animato")
        let scheme = configuration.http.scheme
        let server: Server
        do throws(ServerError) {
            server = try await Server.build(configuration, logger: logger, registry: registry) { address in
                // Not `print`, which would keep the line in a buffer where nobody reads at a terminal.
                let line = "Animato \(Version.current) listens on \(scheme)://\(address.host):\(address.port)\n"
                FileHandle.standardOutput.write(Data(line.utf8))
            }
        } catch {
            throw Exit.because(error.exitCode, error.message)
        }
        do {
            try await server.run()
        } catch let error as MetricsServer.PortInUse {
            throw Exit.because(
                Exit.unavailable,
                "\(error.host):\(error.port) is in use by another program. Stop it, or choose another metrics.port."
            )
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            let address = "\(configuration.http.host):\(configuration.http.port)"
            throw Exit.because(
                Exit.unavailable,
                "\(address) is in use by another program. Stop it, or choose another port with --port."
            )
        } catch {
            throw Exit.because(Exit.unavailable, "The server could not go on: \(error)")
        }
    }
}
