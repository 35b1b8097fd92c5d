package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Hears what is published on channels, on a connection of its own.
///
/// What is published while there is no connection is not heard, as ever with Redis.
package struct RedisSubscriber: Sendable {
    /// How often the server is asked whether it is still there; without a word from it for two such times it is not.
    private static let pingInterval = Duration.seconds(10)

    private let settings: RedisSettings
    private let tls: NIOSSLContext?
    private let logger: Logger

    /// - Parameters:
    ///   - settings: where the server is; nothing is connected yet.
    ///   - logger: hears of connections that are lost.
    /// - Throws: `unavailable` if the authorities cannot be read.
    package init(_ settings: RedisSettings, logger: Logger) throws(RedisError) {
        self.settings = settings
        self.logger = logger
        tls = try settings.tlsContext()
    }

    /// Hands over each message, one after the other, until the task is cancelled; connects again whenever it must.
    ///
    /// - Parameters:
    ///   - channel: what to listen to.
    ///   - receive: gets the bytes.
    package func run(on channel: String, _ receive: @Sendable ([UInt8]) async -> Void) async {
        var failures = 0
        while !Task.isCancelled {
            do {
                try await listen(on: channel, receive) { failures = 0 }
            } catch {
                failures += 1
                guard !Task.isCancelled else { return }
                logger.log(
                    level: failures == 1 ? .warning : .debug, "not subscribed to Redis",
                    metadata: ["redis": "\(settings.url)", "client": "\(settings.name)", "reason": "\(error)"])
            }
            // The only error is the cancellation, which the loop looks for.
            try? await Task.sleep(for: settings.backoff.delay(after: max(failures, 1)))
        }
    }

    /// Listens on one connection until that ends.
    private func listen(
        on channel: String,
        _ receive: @Sendable ([UInt8]) async -> Void,
        _ subscribed: () -> Void
    ) async throws {
        let connection = try await connect()
        let hearing = Hearing()
        try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(greeting(channel))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while true {
                        try await Task.sleep(for: Self.pingInterval)
                        // The loop below ends with the connection.
                        guard hearing.heardLately() else { return connection.channel.close(promise: nil) }
                        try await outbound.write(Self.encoded(RedisCommand("PING")))
                    }
                }
                var parser = RESPParser(limits: settings.replies)
                for try await piece in inbound {
                    var piece = piece
                    hearing.hear()
                    parser.append(&piece)
                    while let reply = try parser.next() {
                        if case .error(let text) = reply { throw RedisError(refusal: text) }
                        guard let parts = reply.array, let kind = parts.first?.text else { continue }
                        if kind == "subscribe" { subscribed() }
                        guard kind == "message", parts.count == 3, let bytes = parts[2].bytes else { continue }
                        hearing.isBusy(true)
                        await receive(bytes)
                        hearing.isBusy(false)
                    }
                }
                group.cancelAll()
            }
        }
        throw RedisError.unavailable("the server closed the connection")
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let url = settings.url
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(settings.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .connect(host: url.host, port: url.port) { [tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: url.nameForTLS)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Password and subscription in one; channels are the same in every database.
    private func greeting(_ channel: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        if let password = settings.url.password {
            let words = [settings.url.user, password].compactMap(\.self).map { Array($0.utf8) }
            RedisCommand([Array("AUTH".utf8)] + words).encode(into: &buffer)
        }
        RedisCommand("SUBSCRIBE", channel).encode(into: &buffer)
        return buffer
    }

    private static func encoded(_ command: RedisCommand) -> ByteBuffer {
        var buffer = ByteBuffer()
        command.encode(into: &buffer)
        return buffer
    }
}

/// Whether something was heard since it was last asked for.
private final class Hearing: Sendable {
    private let state = Mutex((heard: true, isBusy: false))

    func hear() {
        state.withLock { $0.heard = true }
    }

    /// While a message is worked on nothing more is read, and nothing can be heard.
    func isBusy(_ isBusy: Bool) {
        state.withLock { $0 = (true, isBusy) }
    }

    func heardLately() -> Bool {
        state.withLock { state in
            defer { state.heard = false }
            return state.heard || state.isBusy
        }
    }
}
