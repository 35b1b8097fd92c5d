import NIOCore
import NIOHTTPTypes

/// Enforces, on each connection, what the server library leaves open.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let settings: APISettings

    init(settings: APISettings) {
        self.settings = settings
    }
}
