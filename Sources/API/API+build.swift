package import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
import NIOPosix
package import Scheduling
package import Tasks

/// Where a server listens.
package struct BoundAddress: Sendable, Equatable {
    /// The host of the settings.
    package var host: String
    /// The port that was really bound.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// Builds the HTTP server over a video service, as a service for a service group.
///
/// - Parameters:
///   - settings: limits, times and the address.
///   - service: what every route serves; nothing is decided here.
///   - version: the version that `/healthz` shows.
///   - clock: wall time for addresses that end.
///   - logger: gets failures at `error` and one line for each request at `debug`.
///   - eventLoopGroup: where connections live.
///   - onBound: called once, when the server accepts connections.
/// - Returns: the server; it runs until its group shuts down, and then ends what it has begun to answer.
package func buildAPI(
    settings: APISettings,
    service: any VideoService,
    version: String,
    clock: any ServiceClock = SystemClock(),
    logger: Logger,
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    onBound: @escaping @Sendable (BoundAddress) async -> Void = { _ in }
) -> some ApplicationProtocol {
    Application(
        responder: APIResponder(settings: settings, service: service, version: version, clock: clock, logger: logger),
        server: .http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionGuard(settings: settings)],
                idleTimeout: TimeAmount(settings.idleTimeout),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: settings.maxHeaderBytes,
                    maxHeaderListSize: settings.maxHeaderBytes,
                    maxHeaderFieldCount: settings.maxHeaderFields
                )
            )
        ),
        configuration: .init(
            address: .hostname(settings.host, port: settings.port),
            availableConnectionsDelegate: MaximumAvailableConnections(settings.maxConnections)
        ),
        onServerRunning: { channel in
            await onBound(BoundAddress(host: settings.host, port: channel.localAddress?.port ?? settings.port))
        },
        eventLoopGroupProvider: .shared(eventLoopGroup),
        logger: logger
    )
}
