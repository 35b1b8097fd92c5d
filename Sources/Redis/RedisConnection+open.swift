import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

extension RedisConnection {
    /// Connects and comes in: TLS, password, database, name.
    ///
    /// - Parameters:
    ///   - settings: where to.
    ///   - tls: how, if with TLS.
    ///   - limits: what may be under way on it.
    ///   - onEnd: called once when it is over, with the reason; not if this throws.
    ///   - onTraffic: called with how many wait for a reply.
    /// - Returns: a connection that takes commands.
    /// - Throws: `unavailable`; `refused` if the server does not let one in.
    static func open(
        _ settings: RedisSettings,
        tls: NIOSSLContext?,
        limits: Limits,
        onEnd: @escaping @Sendable (RedisConnection, String) -> Void,
        onTraffic: @escaping @Sendable (Int) -> Void
    ) async throws(RedisError) -> RedisConnection {
        let url = settings.url
        let started = NIODeadline.now()
        let opening = Opening(onEnd)
        let connection: RedisConnection
        do {
            connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(settings.connectTimeout))
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .connect(host: url.host, port: url.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let connection = RedisConnection(
                            channel, limits: limits, onEnd: { opening.ended($0, $1) }, onTraffic: onTraffic)
                        if let tls {
                            let handler = try NIOSSLClientHandler(context: tls, serverHostname: url.nameForTLS)
                            try channel.pipeline.syncOperations.addHandler(handler)
                        }
                        let handler = ReplyHandler(connection, RESPParser(limits: settings.replies))
                        try channel.pipeline.syncOperations.addHandler(handler)
                        return connection
                    }
                }
        } catch {
            throw .unavailable("\(error)")
        }
        let left = Duration.nanoseconds((started + TimeAmount(settings.connectTimeout) - .now()).nanoseconds)
        do throws(RedisError) {
            try await connection.comeIn(settings, patience: max(left, .milliseconds(1)))
            guard opening.succeeded() else { throw .unavailable(connection.end ?? "the server closed the connection") }
            return connection
        } catch {
            connection.finish("it did not come to be")
            if case .refused = error { throw error }
            throw .unavailable(error.reason)
        }
    }

    private func comeIn(_ settings: RedisSettings, patience: Duration) async throws(RedisError) {
        let url = settings.url
        if let password = url.password {
            let words = [url.user, password].compactMap(\.self).map { Array($0.utf8) }
            try await greet(RedisCommand([Array("AUTH".utf8)] + words), patience)
        }
        if url.database != 0 { try await greet(RedisCommand("SELECT", url.database), patience) }
        // Servers may forbid both; that a server is not ready, or wants a password, is all that counts.
        for command in [RedisCommand("CLIENT", "SETNAME", settings.name), RedisCommand("PING")] {
            do throws(RedisError) {
                try await greet(command, patience)
            } catch {
                guard case .refused(let text) = error, !text.hasPrefix("NOAUTH") else { throw error }
            }
        }
    }

    private func greet(_ command: RedisCommand, _ patience: Duration) async throws(RedisError) {
        guard case .error(let text) = try await send(command, patience: patience) else { return }
        throw RedisError(refusal: text)
    }
}

extension RedisURL {
    /// What the certificate must be good for; `nil` for an address, which is then compared itself.
    var nameForTLS: String? {
        (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }
}

extension RedisError {
    /// What an error of the server is to its callers.
    ///
    /// A server that cannot do now what it could at another time has not done it.
    init(refusal text: String) {
        let code = text.prefix { $0 != " " }
        switch code {
        case "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "READONLY": self = .unavailable(text)
        default: self = .refused(text)
        }
    }

    /// The words in it.
    var reason: String {
        switch self {
        case .unavailable(let text), .outcomeUnknown(let text), .refused(let text): text
        case .overloaded: "too many commands wait"
        }
    }
}

/// Keeps the end of a connection that did not come to be from those who were never given it.
private final class Opening: Sendable {
    private let onEnd: @Sendable (RedisConnection, String) -> Void
    private let state = Mutex(State.opening)

    private enum State { case opening, open, over }

    init(_ onEnd: @escaping @Sendable (RedisConnection, String) -> Void) {
        self.onEnd = onEnd
    }

    /// Whether it is still there.
    func succeeded() -> Bool {
        state.withLock { state in
            guard state == .opening else { return false }
            state = .open
            return true
        }
    }

    func ended(_ connection: RedisConnection, _ reason: String) {
        let wasOpen = state.withLock { state in
            defer { state = .over }
            return state == .open
        }
        if wasOpen { onEnd(connection, reason) }
    }
}

/// Turns what the socket brings into replies.
private final class ReplyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: RedisConnection
    private var parser: RESPParser

    init(_ connection: RedisConnection, _ parser: RESPParser) {
        self.connection = connection
        self.parser = parser
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var piece = unwrapInboundIn(data)
        parser.append(&piece)
        var replies: [RESPValue] = []
        do throws(RESPFault) {
            while let reply = try parser.next() { replies.append(reply) }
            if !replies.isEmpty { connection.received(replies) }
        } catch {
            if !replies.isEmpty { connection.received(replies) }
            connection.finish(error.description)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.finish("the server closed the connection")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.finish("\(error)")
    }
}
