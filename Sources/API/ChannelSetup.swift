import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import NIOCore

/// What a connection is made of, with TLS or without.
extension HTTPServerBuilder {
    /// - Parameters:
    ///   - settings: limits and times.
    ///   - identity: what the server proves with who it is; `nil`: without TLS.
    ///   - metrics: count connections; `nil`: they are not those of clients.
    /// - Returns: what makes connections.
    static func api(_ settings: APISettings, _ identity: TLSIdentity?, _ metrics: HTTPMetrics?) -> HTTPServerBuilder {
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: channelHandlers(settings, hasTLS: identity != nil, metrics),
            idleTimeout: TimeAmount(settings.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: settings.maxHeaderBytes,
                maxHeaderListSize: settings.maxHeaderBytes,
                maxHeaderFieldCount: settings.maxHeaderFields
            )
        )
        guard let identity else { return .http1(configuration: configuration) }
        return HTTPServerBuilder { responder in
            try TLSChannel(
                HTTP1Channel(responder: responder, configuration: configuration),
                tlsConfiguration: identity.configuration
            )
        }
    }
}

/// Ours among the handlers of a connection.
func channelHandlers(
    _ settings: APISettings,
    hasTLS: Bool,
    _ metrics: HTTPMetrics?
) -> [any RemovableChannelHandler] {
    let guardian = ConnectionGuard(settings: settings, metrics: metrics)
    // What is sent from a file past this process cannot be encrypted in it.
    return hasTLS ? [guardian] : [FilePieceHandler(idleTimeout: settings.idleTimeout), guardian]
}
