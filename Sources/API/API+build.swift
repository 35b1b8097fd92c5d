package import Access
package import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
import NIOPosix
package import Scheduling
package import Tasks
package import Tracing

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
///   - access: who may come in.
///   - version: the version that `/healthz` shows.
///   - identity: what the server proves with who it is; `nil`: connections are without TLS.
///   - clock: wall time for addresses that end.
///   - tracer: makes spans of requests.
///   - logger: gets failures at `error`, a line for each accepted task at `info` and for each request at `debug`.
///   - eventLoopGroup: where connections live.
///   - metricsPage: what `/metrics` answers; by default nothing is counted.
///   - onBound: called once, when the server accepts connections.
/// - Returns: the server; it runs until its group shuts down, and then ends what it has begun to answer.
package func buildAPI(
    settings: APISettings,
    service: any VideoService,
    access: AccessControl,
    version: String,
    identity: TLSIdentity? = nil,
    clock: any ServiceClock = SystemClock(),
    tracer: any Tracer = NoOpTracer(),
    logger: Logger,
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    metricsPage: @escaping @Sendable () async -> String = { "" },
    onBound: @escaping @Sendable (BoundAddress) async -> Void = { _ in }
) -> some ApplicationProtocol {
    let metrics = HTTPMetrics()
    return Application(
        responder: APIResponder(
            settings: settings,
            service: service,
            access: access,
            version: version,
            clock: clock,
            tracer: tracer,
            logger: logger,
            metrics: metrics,
            metricsPage: metricsPage
        ),
        server: .api(settings, identity, metrics),
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
