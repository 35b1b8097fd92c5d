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
            Exit codes: 0 stopped, 69 the port or the data directory is in use, 78 the settings are wrong.
            """
    )

    @OptionGroup var options: SettingOptions

    func run() async throws {
        // A write to an engine that has died must be an error, not the end of the server.
        signal(SIGPIPE, SIG_IGN)
        let configuration = try options.configuration()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = configuration.logLevel
            return handler
        }
        let logger = Logger(label: "animato")
        let server: Server
        do throws(ServerError) {
            server = try await Server.build(configuration, logger: logger) { address in
                // Not `print`, which would keep the line in a buffer where nobody reads at a terminal.
                let line = "Animato \(Version.current) listens on http://\(address.host):\(address.port)\n"
                FileHandle.standardOutput.write(Data(line.utf8))
            }
        } catch {
            throw Exit.because(Exit.unavailable, error.message)
        }
        do {
            try await server.run()
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
