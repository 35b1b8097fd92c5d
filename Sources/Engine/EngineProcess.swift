import Logging
import NIOCore
import Subprocess
import SystemPackage

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Starts one engine process, and sees it and its whole group to their end.
struct EngineProcess: Sendable {
    /// How a process ended.
    struct Exit: Sendable, Equatable {
        /// For people.
        var reason: String
        /// The end of its log.
        var lastWords: [String]
    }

    /// How long the channel of a dead process may stay open: only a descendant that left the group can hold it.
    private static let lingerTime = TimeAmount.seconds(1)

    let settings: EngineSettings
    let logger: Logger

    /// Runs one process and returns when it and its group are gone.
    ///
    /// - Parameter converse: talks to it; is to return when the channel ends.
    /// - Returns: how it ended.
    /// - Throws: a fault if there was no process to talk to.
    func run(
        _ converse: @escaping @Sendable (EngineConnection, ProcessGroup) async -> Void
    ) async throws(EngineFault) -> Exit {
        let sockets: SocketPair
        do {
            sockets = try SocketPair()
        } catch {
            throw Self.notStartable("there is no socket for it: \(error)")
        }
        var hasProcess = false
        do {
            let result = try await Subprocess.run(
                Self.executable(settings.python),
                arguments: Arguments(settings.serveArguments),
                environment: Self.environment(settings),
                platformOptions: Self.options(settings),
                input: .fileDescriptor(sockets.theirs, closeAfterSpawningProcess: false),
                output: .discarded,
                error: .sequence
            ) { execution in
                hasProcess = true
                // The process has its own. Were this one still open, its end of the channel would never be.
                try? sockets.theirs.close()
                let group = ProcessGroup(leader: execution.processIdentifier.value)
                defer {
                    group.kill()
                    group.close()
                }
                return await attend(sockets.ours, group, execution.standardError, converse)
            }
            return try Exit(
                reason: "The engine process ended (\(result.terminationStatus.reason)).",
                lastWords: result.closureResult.get()
            )
        } catch let fault as EngineFault {
            throw fault
        } catch {
            if !hasProcess {
                try? sockets.theirs.close()
                try? sockets.ours.close()
            }
            throw Self.notStartable(Self.reason(error, settings))
        }
    }

    /// Talks and reads the log until the process has ended; gives the end of the log.
    private func attend(
        _ socket: SystemPackage.FileDescriptor,
        _ group: ProcessGroup,
        _ standardError: SubprocessOutputSequence,
        _ converse: @escaping @Sendable (EngineConnection, ProcessGroup) async -> Void
    ) async -> Result<[String], EngineFault> {
        let connection: EngineConnection
        do {
            connection = try await EngineConnection(taking: socket.rawValue)
        } catch {
            try? socket.close()
            return .failure(Self.notStartable("its channel cannot be used: \(error)"))
        }
        async let conversation: Void = converse(connection, group)
        let lastWords = await copyLog(standardError, of: group)
        // The log ends with the process. What is left of its group holds the channel, and must not.
        group.kill()
        let linger = connection.eventLoop.scheduleTask(in: Self.lingerTime) { connection.close() }
        await conversation
        linger.cancel()
        return .success(lastWords)
    }

    private func copyLog(_ standardError: SubprocessOutputSequence, of group: ProcessGroup) async -> [String] {
        var logger = logger
        logger[metadataKey: "pid"] = group.processID.map { "\($0)" }
        var log = EngineLog()
        var iterator = standardError.makeAsyncIterator()
        // A log that cannot be read is over, like one that has ended.
        while let buffer = try? await iterator.next() {
            let lines = buffer.withUnsafeBytes { log.take($0, at: .now) }
            for line in lines { note(line, logger) }
        }
        for line in log.finish(at: .now) { note(line, logger) }
        return log.lastLines
    }

    private func note(_ line: String, _ logger: Logger) {
        let (traceID, text) = EngineLog.parts(of: line)
        var metadata: Logger.Metadata = ["line": "\(text)"]
        if let traceID { metadata["trace_id"] = "\(traceID)" }
        logger.notice("engine log", metadata: metadata)
    }

    // MARK: How it is started

    /// A name is looked up in `PATH`; everything with a slash is a path.
    static func executable(_ python: String) -> Executable {
        python.contains("/") ? .path(FilePath(python)) : .name(python)
    }

    static func environment(_ settings: EngineSettings) -> Environment {
        let variables = EngineEnvironment.variables(settings, parent: getpid())
        return .custom(
            variables.reduce(into: [:]) { result, variable in
                result[Environment.Key(stringLiteral: variable.key)] = variable.value
            }
        )
    }

    /// A group of its own, so that all of it can be ended, and so that a Ctrl-C in the terminal reaches the server only.
    static func options(_ settings: EngineSettings) -> PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: settings.stopDeadline)
        ]
        return options
    }

    static func notStartable(_ reason: String) -> EngineFault {
        EngineFault(code: "engine_not_startable", message: "The engine cannot be started: \(reason).")
    }

    static func reason(_ error: any Error, _ settings: EngineSettings) -> String {
        guard let error = error as? SubprocessError, error.code == .executableNotFound else { return "\(error)" }
        return "there is no \(settings.python); name a Python interpreter that has the engine installed"
    }
}

extension TerminationStatus {
    /// For people.
    var reason: String {
        switch self {
        case .exited(let status): "status \(status)"
        case .signaled(let signal): "signal \(signal)"
        }
    }
}
