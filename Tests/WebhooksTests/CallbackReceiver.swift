import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// An HTTP server on loopback that answers as a test wants.
final class CallbackReceiver: Sendable {
    struct Received: Sendable {
        var uri: String
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    enum Answer: Sendable {
        case status(Int, headers: [(String, String)] = [], body: [UInt8] = [])
        /// Never.
        case nothing
        /// A body without an end, in pieces.
        case endless
        /// A body that ends before its announced length.
        case breaksOff
        /// Not HTTP.
        case garbage
        /// Closes at once.
        case close
    }

    private struct State {
        var received: [Received] = []
        var connections = 0
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let channel: Mutex<(any Channel)?> = Mutex(nil)
    private let answer: @Sendable (Int, Received) -> Answer

    /// - Parameter answer: for the nth request, counted from 1.
    init(answer: @escaping @Sendable (Int, Received) -> Answer = { _, _ in .status(204) }) {
        self.answer = answer
    }

    var received: [Received] { state.withLock { $0.received } }
    var connections: Int { state.withLock { $0.connections } }
    var port: Int { channel.withLock { $0?.localAddress?.port ?? 0 } }

    /// Returns once so much was received.
    func wait(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.received.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Listens for the length of a body.
    func listen(
        on host: String = "127.0.0.1",
        tls: NIOSSLContext? = nil,
        _ body: () async throws -> Void
    ) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                self.state.withLock { $0.connections += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(receiver: self))
                }
            }
            .bind(host: host, port: 0).get()
        self.channel.withLock { $0 = channel }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        try await channel.close()
        try outcome.get()
    }

    fileprivate func take(_ received: Received) -> Answer {
        let (number, ready) = state.withLock { state in
            state.received.append(received)
            let count = state.received.count
            let ready = state.watchers.filter { $0.count <= count }
            state.watchers.removeAll { $0.count <= count }
            return (count, ready)
        }
        for watcher in ready { watcher.continuation.resume() }
        return answer(number, received)
    }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let receiver: CallbackReceiver
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(receiver: CallbackReceiver) {
        self.receiver = receiver
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let part):
            body += Array(part.readableBytesView)
        case .end:
            guard let head else { return }
            answer(receiver.take(.init(uri: head.uri, headers: head.headers, body: body)), context)
        }
    }

    private func answer(_ answer: CallbackReceiver.Answer, _ context: ChannelHandlerContext) {
        switch answer {
        case .status(let status, let extra, let body):
            var headers = HTTPHeaders([("content-length", "\(body.count)")])
            for (name, value) in extra { headers.add(name: name, value: value) }
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            if !body.isEmpty {
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .nothing:
            break
        case .endless:
            let headers = HTTPHeaders([("transfer-encoding", "chunked")])
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            let part = ByteBuffer(repeating: 0x41, count: 10_000)
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { task in
                let (handler, context) = loopBound.value
                guard context.channel.isActive else { return task.cancel() }
                context.writeAndFlush(handler.wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
            }
        case .breaksOff:
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-length": "100"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "half")))), promise: nil)
            context.close(promise: nil)
        case .garbage:
            let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.pipeline.context(handlerType: HTTPResponseEncoder.self).whenSuccess { encoder in
                encoder.writeAndFlush(NIOAny(ByteBuffer(string: "this is no HTTP\r\n\r\n")), promise: nil)
                loopBound.value.close(promise: nil)
            }
        case .close:
            context.close(promise: nil)
        }
    }
}
