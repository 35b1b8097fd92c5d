import NIOCore
import NIOPosix

/// A server on loopback that answers whatever a test wants; a real one does not say such things.
struct LoopbackServer: Sendable {
    private let channel: any Channel
    let port: Int

    var url: String { "redis://127.0.0.1:\(port)" }

    /// Answers each piece that comes; nothing as an answer closes the connection.
    init(_ answer: @escaping @Sendable (String) -> String?) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func close() async throws {
        try await channel.close()
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: @Sendable (String) -> String?

        init(_ answer: @escaping @Sendable (String) -> String?) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let text = answer(String(buffer: unwrapInboundIn(data))) else { return context.close(promise: nil) }
            guard !text.isEmpty else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
    }

    /// What a client wants to hear when it comes, to its name and to whether one is there; else nothing.
    static func greeting(to text: String) -> String? {
        let answer = (text.contains("SETNAME") ? "+OK\r\n" : "") + (text.contains("PING") ? "+PONG\r\n" : "")
        return answer.isEmpty ? nil : answer
    }
}
