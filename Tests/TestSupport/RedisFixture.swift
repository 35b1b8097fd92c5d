import Foundation
import Synchronization

/// A real `redis-server` on loopback that ends with the process of the tests, however that ends.
package final class RedisFixture: Sendable {
    package let port: Int
    private let directory: String
    private let isTLS: Bool
    private let arguments: [String]
    private let state = Mutex(State())

    private struct State {
        /// The file that is there when the server has ended.
        ///
        /// `Process` learns of an end only when no other child has its descriptors, which may be those of another server.
        var end: String?
        /// Holds the server alive: it is killed when this end is closed.
        var leash: Pipe?
        var starts = 0
    }

    /// `redis://127.0.0.1:…`, or `rediss://localhost:…` with TLS, without a database.
    package var url: String { isTLS ? "rediss://localhost:\(port)" : "redis://127.0.0.1:\(port)" }

    /// The one of all tests of this process that need no other; each uses keys with `uniquePrefix()`.
    package static func shared() async throws -> RedisFixture {
        try await sharedStart.value
    }

    private static let sharedStart = Task { try await RedisFixture() }

    /// What no other test puts before its keys.
    package static func uniquePrefix(_ name: String = "test") -> String {
        "\(name)-\(UUID().uuidString.prefix(8).lowercased())"
    }

    /// Starts a server of one's own.
    ///
    /// - Parameters:
    ///   - isDurable: whether what it confirmed is there after it was killed.
    ///   - tls: files with its certificate and the key of that, if it only takes connections with TLS.
    ///   - extra: more of its arguments.
    /// - Throws: `Failure` if there is no `redis-server`, or it does not start.
    package init(
        isDurable: Bool = false,
        tls: (certificate: String, key: String)? = nil,
        extra: [String] = []
    ) async throws {
        isTLS = tls != nil
        let securing = tls.map { tls in
            [
                "--tls-cert-file", tls.certificate, "--tls-key-file", tls.key, "--tls-ca-cert-file", tls.certificate,
                "--tls-auth-clients", "no", "--port", "0",
            ]
        }
        directory = NSTemporaryDirectory() + "/animato-redis-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        let keeping = isDurable ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]
        arguments =
            ["--bind", "127.0.0.1", "--dir", directory, "--save", ""] + keeping + (securing ?? []) + extra
            + [isTLS ? "--tls-port" : "--port"]
        for _ in 0..<20 {
            // Below the ports that connections to others begin at.
            let port = Int.random(in: 15_000..<32_000)
            if try await Self.start(port, directory, arguments, state) {
                self.port = port
                return
            }
        }
        throw Failure(description: "redis-server found no free port")
    }

    deinit {
        let leash = state.withLock { $0.leash }
        guard let leash else {
            try? FileManager.default.removeItem(atPath: directory)
            return
        }
        try? leash.fileHandleForWriting.close()
    }

    /// Ends the server as an administrator does, and waits until it is gone.
    package func stop() async {
        await end(with: "term")
    }

    /// Ends the server from one moment to the next, and waits until it is gone.
    package func kill() async {
        await end(with: "kill")
    }

    /// Lets the server stand still, from before this returns: it takes connections and says nothing.
    package func freeze() async throws {
        let sign = "\(directory)/frozen"
        try? FileManager.default.removeItem(atPath: sign)
        say("stop")
        while !FileManager.default.fileExists(atPath: sign) { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Lets it go on.
    package func thaw() {
        say("cont")
    }

    /// Starts it again, on the same port and with what it kept.
    package func start() async throws {
        guard try await Self.start(port, directory, arguments, state) else {
            throw Failure(description: "the port of redis-server is taken")
        }
    }

    // MARK: The process

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// Does what it is told, and when nobody is there any more to tell it something, kills the server and tidies up.
    private static let script = """
        redis-server "$@" >"$LOG" 2>&1 & server=$!
        while read -r word; do
            case $word in
                term) kill -s TERM $server; wait $server; : >"$LOG.ended"; exit ;;
                kill) kill -s KILL $server; wait $server; : >"$LOG.ended"; exit ;;
                stop)
                    kill -s STOP $server
                    until grep -q '^State:.*T' /proc/$server/status; do sleep 0.01; done
                    : >"$DIRECTORY/frozen" ;;
                cont) kill -s CONT $server ;;
            esac
        done
        kill -s KILL $server
        wait $server
        rm -rf "$DIRECTORY"
        """

    /// - Returns: whether it is up; `false`: the port is taken.
    private static func start(
        _ port: Int,
        _ directory: String,
        _ arguments: [String],
        _ state: borrowing Mutex<State>
    ) async throws -> Bool {
        let shell = Process()
        let leash = Pipe()
        let number = state.withLock { state in
            state.starts += 1
            return state.starts
        }
        let log = "\(directory)/log-\(port)-\(number)"
        // Not sh: started from a thread that blocks SIGCHLD, dash waits for ever for a server that has died.
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = ["-c", script, "redis-fixture"] + arguments + [String(port)]
        shell.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LOG": log,
            "DIRECTORY": directory,
        ]
        shell.standardInput = leash
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try shell.run()
        state.withLock { state in
            state.end = "\(log).ended"
            state.leash = leash
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if text.contains("Ready to accept connections") { return true }
            if text.contains("Failed listening on port") || text.contains("Address already in use") {
                // Else it would tidy up what the next one needs.
                try? leash.fileHandleForWriting.write(contentsOf: Data("kill\n".utf8))
                return false
            }
            if text.contains("not found") {
                throw Failure(description: "redis-server is missing: scripts/setup.sh test installs it")
            }
            if text.contains("FATAL") || text.contains("Exiting") || text.contains("Failed to configure TLS") {
                throw Failure(description: text)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(description: "redis-server does not start")
    }

    private func say(_ word: String) {
        state.withLock { state in
            try? state.leash?.fileHandleForWriting.write(contentsOf: Data("\(word)\n".utf8))
        }
    }

    private func end(with word: String) async {
        say(word)
        let (end, leash) = state.withLock { state in
            defer {
                state.end = nil
                state.leash = nil
            }
            return (state.end, state.leash)
        }
        guard let end else { return }
        while !FileManager.default.fileExists(atPath: end) { try? await Task.sleep(for: .milliseconds(5)) }
        try? leash?.fileHandleForWriting.close()
    }
}
