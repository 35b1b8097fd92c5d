import API
import ArgumentParser
import Foundation
import Logging
import NIOCore

/// Runs a process of a deployment until it is told to stop.
enum Launch {
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - role: what the process does.
    /// - Throws: the exit code, after the reason was printed.
    static func run(_ configuration: ServerConfiguration, as role: ServerRole) async throws {
        // A write to an engine that has died must be an error, not the end of the server.
        signal(SIGPIPE, SIG_IGN)
        let registry = Counting.begin()
        let writer = LogWriter(configuration.logFormat, level: configuration.logLevel)
        LoggingSystem.bootstrap { CountingLogHandler(writer.labelled($0)) }
        let logger = Logger(label: "animato")
        let scheme = configuration.http.scheme
        let server: Server
        do throws(ServerError) {
            server = try await Server.build(configuration, role: role, logger: logger, registry: registry) { address in
                say("listens on \(scheme)://\(address.host):\(address.port)")
            }
        } catch {
            throw Exit.because(error.exitCode, error.message)
        }
        if !role.answersRequests { say("makes videos as \(configuration.hostName)") }
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

    /// Not `print`, which would keep the line in a buffer where nobody reads at a terminal.
    private static func say(_ text: String) {
        FileHandle.standardOutput.write(Data("Animato \(Version.current) \(text)\n".utf8))
    }
}
