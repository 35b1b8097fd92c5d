package import Logging
import NIOCore
import NIOSSL
import Synchronization

/// A client of one server: one connection for all commands, and others for those that keep one waiting.
///
/// It connects when it is first asked for something, and again, after pauses that grow, whenever the connection is lost.
/// A command that was sent when it was lost is never sent again: its sender gets `outcomeUnknown`. `close()` ends all.
package final class RedisClient: RedisCommands {
    let settings: RedisSettings
    let tls: NIOSSLContext?
    let logger: Logger
    let metrics: RedisMetrics
    let state = Mutex(State())

    /// Commands that may be tried on another connection because they were not sent on the last.
    private static let attempts = 3

    typealias Arrival = CheckedContinuation<Result<RedisConnection, RedisError>, Never>

    struct State {
        var link = Link.idle
        /// Attempts in a row that failed, or led to a connection that did not last.
        var failures = 0
        /// Whether the log has said that there is no connection.
        var isOutageTold = false
        var connectedAt: ContinuousClock.Instant?
        var connecting: Task<Void, Never>?
        /// Connections for commands that wait, in use or not.
        var blocking: [ObjectIdentifier: RedisConnection] = [:]
        var spare: [RedisConnection] = []
        /// Of those: in use, or about to be.
        var blockingInUse = 0
    }

    enum Link {
        case idle
        case up(RedisConnection)
        case down(since: ContinuousClock.Instant, reason: String, waiting: [Arrival])
        case closed
    }

    /// - Parameters:
    ///   - settings: where the server is; nothing is connected yet.
    ///   - logger: hears of connections that are lost and found.
    /// - Throws: `unavailable` if the authorities cannot be read.
    package init(_ settings: RedisSettings, logger: Logger) throws(RedisError) {
        self.settings = settings
        self.logger = logger
        tls = try settings.tlsContext()
        metrics = RedisMetrics(client: settings.name)
    }

    /// Connects now, if that is not done.
    ///
    /// - Throws: `unavailable` if there is no connection within the grace.
    package func connect() async throws(RedisError) {
        _ = try await connection()
    }

    package func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        try await counted { () throws(RedisError) in try await deliver(command) }
    }

    package func sendBlocking(_ command: RedisCommand, patience: Duration) async throws(RedisError) -> RESPValue {
        try await counted { () throws(RedisError) in try await deliverBlocking(command, patience: patience) }
    }

    /// Ends all connections, for good; what is under way on them gets `outcomeUnknown`.
    package func close() async {
        let (link, connecting, blocking) = state.withLock { state in
            defer {
                state.link = .closed
                state.connecting = nil
                state.blocking = [:]
                state.spare = []
            }
            return (state.link, state.connecting, Array(state.blocking.values))
        }
        connecting?.cancel()
        var open = blocking
        switch link {
        case .up(let connection): open.append(connection)
        case .down(_, _, let waiting):
            for arrival in waiting { arrival.resume(returning: .failure(.unavailable("the client is closed"))) }
        case .idle, .closed: break
        }
        for connection in open { connection.finish("the client is closed") }
        for connection in open { await connection.closed() }
        await connecting?.value
        metrics.isConnected(false)
    }

    // MARK: Commands

    private func deliver(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        var attempt = 1
        while true {
            let connection = try await connection()
            do throws(RedisError) {
                return try judged(try await connection.send(command, patience: settings.commandTimeout), connection)
            } catch {
                // It was not sent, because the connection was lost at that moment.
                guard case .unavailable = error, connection.end != nil, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// Turns the errors of the server into those of the client.
    func judged(_ reply: RESPValue, _ connection: RedisConnection) throws(RedisError) -> RESPValue {
        guard case .error(let text) = reply else { return reply }
        // After a failover the name leads to another server; this one only reads now.
        if text.hasPrefix("READONLY") { connection.finish("the server only reads now") }
        throw RedisError(refusal: text)
    }

    private func counted(
        _ body: () async throws(RedisError) -> RESPValue
    ) async throws(RedisError) -> RESPValue {
        do throws(RedisError) {
            return try await body()
        } catch {
            metrics.failed(error)
            throw error
        }
    }

    // MARK: The connection

    /// The connection, as soon as there is one.
    private func connection() async throws(RedisError) -> RedisConnection {
        if case .up(let connection) = state.withLock({ $0.link }) { return connection }
        let arrived = await withCheckedContinuation { continuation in
            if let known = state.withLock({ $0.arrive(continuation, settings, begin) }) {
                continuation.resume(returning: known)
            }
        }
        return try arrived.get()
    }

    /// Begins to connect, until that has succeeded or the client is closed.
    private func begin() -> Task<Void, Never> {
        // Ended by `close()`, which waits for it.
        Task { await self.connectUntilItSucceeds() }
    }

    private func connectUntilItSucceeds() async {
        while !Task.isCancelled {
            let failures = state.withLock { $0.failures }
            do {
                try await Task.sleep(for: settings.backoff.delay(after: failures))
            } catch {
                return
            }
            do throws(RedisError) {
                let connection = try await RedisConnection.open(
                    settings,
                    tls: tls,
                    limits: RedisConnection.Limits(
                        commands: settings.maxCommandsInFlight, bytes: settings.maxBytesInFlight),
                    onEnd: { [weak self] in self?.ended($0, $1) },
                    onTraffic: metrics.areInFlight
                )
                return succeeded(connection)
            } catch {
                failed(error)
            }
        }
    }

    private func succeeded(_ connection: RedisConnection) {
        let (waiting, isClosed) = state.withLock { state -> ([Arrival], Bool) in
            guard case .down(_, _, let waiting) = state.link else { return ([], true) }
            state.link = .up(connection)
            state.isOutageTold = false
            state.connectedAt = .now
            // Should this one be lost at once, the next pause is a second at most.
            state.failures = min(state.failures, 4)
            return (waiting, false)
        }
        guard !isClosed else { return connection.finish("the client is closed") }
        metrics.isConnected(true)
        logger.info("connected to Redis", metadata: ["redis": "\(settings.url)", "client": "\(settings.name)"])
        for arrival in waiting { arrival.resume(returning: .success(connection)) }
        // It may have ended before it was known.
        if let reason = connection.end { ended(connection, reason) }
    }

    private func failed(_ error: RedisError) {
        let told = RedisError.unavailable("no connection to \(settings.url): \(error.reason)")
        // That a password is wrong does not pass by itself.
        let isLasting = if case .refused = error { true } else { false }
        let (given, isNews) = state.withLock { state in
            defer { state.isOutageTold = true }
            state.failures += 1
            return (state.giveUp(told, isLasting, settings.grace), !state.isOutageTold)
        }
        logger.log(
            level: isNews ? .warning : .debug, "no connection to Redis",
            metadata: ["redis": "\(settings.url)", "client": "\(settings.name)", "reason": "\(error.reason)"])
        for arrival in given { arrival.resume(returning: .failure(told)) }
    }

    /// A connection is over: begins to connect again.
    private func ended(_ connection: RedisConnection, _ reason: String) {
        let wasCurrent = state.withLock { state in
            guard case .up(let current) = state.link, current === connection else { return false }
            let now = ContinuousClock.now
            // A server that takes connections and drops them is not asked again and again without a pause.
            let lasted = state.connectedAt.map { now - $0 } ?? .zero
            state.failures = lasted > settings.backoff.longest ? 0 : state.failures + 1
            state.link = .down(since: now, reason: reason, waiting: [])
            state.connecting = begin()
            return true
        }
        guard wasCurrent else { return }
        metrics.isConnected(false)
        metrics.areInFlight(0)
        metrics.reconnected()
        logger.warning(
            "lost the connection to Redis", metadata: ["client": "\(settings.name)", "reason": "\(reason)"])
    }
}

extension RedisClient.State {
    /// The connection or why there is none; else the caller is told later.
    fileprivate mutating func arrive(
        _ arrival: RedisClient.Arrival,
        _ settings: RedisSettings,
        _ begin: () -> Task<Void, Never>
    ) -> Result<RedisConnection, RedisError>? {
        switch link {
        case .up(let connection): return .success(connection)
        case .closed: return .failure(.unavailable("the client is closed"))
        case .idle:
            link = .down(since: .now, reason: "not connected yet", waiting: [arrival])
            connecting = begin()
            return nil
        case .down(let since, let reason, var waiting):
            guard .now - since <= settings.grace else { return .failure(.unavailable(reason)) }
            guard waiting.count < settings.maxCommandsInFlight else { return .failure(.overloaded) }
            waiting.append(arrival)
            link = .down(since: since, reason: reason, waiting: waiting)
            return nil
        }
    }

    /// Those who need not wait any longer after an attempt that failed.
    fileprivate mutating func giveUp(
        _ error: RedisError,
        _ isLasting: Bool,
        _ grace: Duration
    ) -> [RedisClient.Arrival] {
        guard case .down(let since, _, let waiting) = link else { return [] }
        let isHopeless = isLasting || .now - since > grace
        link = .down(since: since, reason: error.reason, waiting: isHopeless ? [] : waiting)
        return isHopeless ? waiting : []
    }
}
