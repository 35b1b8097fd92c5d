import NIOCore
import NIOPosix

/// The server's end of the socket to one engine process.
struct EngineConnection: Sendable {
    private let channel: NIOAsyncChannel<EngineMessage, ByteBuffer>

    /// Takes over a connected stream socket, which is closed with the connection.
    ///
    /// - Parameter socket: the descriptor; if this throws, it is still the caller's.
    /// - Throws: what the socket layer reports.
    init(taking socket: CInt) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .withConnectedSocket(socket) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FrameHandler())
                    // Reading pauses at ten messages that nobody has taken: then the engine waits in its write.
                    return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Where timers of this connection run.
    var eventLoop: any EventLoop {
        channel.channel.eventLoop
    }

    /// Puts an order on its way, in the order of the calls.
    ///
    /// It never waits: an order is small, there are at most three per generation and two beside, and the watch over a peer that does
    /// not read is the deadline. If the peer is gone, reading ends.
    ///
    /// - Parameter order: what to say.
    /// - Returns: whether it fits a frame; if not, nothing is sent.
    func send(_ order: EngineOrder) -> Bool {
        guard let frame = FrameCodec.frame(order) else { return false }
        channel.channel.writeAndFlush(frame, promise: nil)
        return true
    }

    /// Takes every message until the peer closes the channel, then closes it on this side.
    ///
    /// - Parameter take: called for each message, in order; the next is not read before it returns.
    /// - Throws: `FrameFault` if the peer broke the framing, or what the socket layer reports.
    func forEachMessage(_ take: (EngineMessage) -> Void) async throws {
        try await channel.executeThenClose { inbound, _ in
            for try await message in inbound {
                take(message)
            }
        }
    }

    /// Ends reading, whether or not the peer still holds its end.
    func close() {
        channel.channel.close(promise: nil)
    }
}

/// Turns what the socket brings into messages.
private final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = EngineMessage

    private var codec = FrameCodec()
    private var isBroken = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isBroken else { return }
        codec.append(unwrapInboundIn(data))
        do {
            while let message = try codec.next() {
                context.fireChannelRead(wrapInboundOut(message))
            }
        } catch {
            // Where one frame ends and the next begins is not known any more.
            isBroken = true
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }
}
