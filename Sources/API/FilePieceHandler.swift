import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The next bytes of a response's body, in a file: an event for whoever on a connection can send them from there.
///
/// Its promise is kept when the system has taken all of them. Where nobody can, it fails with
/// `ChannelError.operationUnsupported` and nothing is sent. It follows the response's head; the next piece, or anything
/// else of the response, follows when the promise is kept.
struct FilePiece: Sendable {
    let region: FileRegion
}

/// Sends pieces of files on a connection without TLS, so that their bytes need not come into this process.
///
/// The library's responses are made of bytes alone. So a piece comes as an event, and joins the response where HTTP/1.1
/// is written down: past the codec of the library's types, as if that had sent it.
final class FilePieceHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let stall: StallWatch

    /// - Parameter idleTimeout: how long a client may take nothing of a piece, however small.
    init(idleTimeout: Duration) {
        stall = StallWatch(idleTimeout: idleTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stall.stop()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let piece = event as? FilePiece,
            let codec = try? context.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self)
        else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.cascade(to: promise)
        var isOver = false
        sent.futureResult.assumeIsolated().whenComplete { _ in
            isOver = true
            self.stall.stop()
        }
        codec.writeAndFlush(NIOAny(HTTPServerResponsePart.body(.fileRegion(piece.region))), promise: sent)
        // Mostly the system takes it at once.
        if !isOver { stall.start(context) }
    }
}
