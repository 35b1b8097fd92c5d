import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
package import Scheduling
import ServiceLifecycle

/// Answers `/metrics`, `/healthz` and `/readyz` on a port of its own and without keys: for a network that is private.
package struct MetricsServer: Service {
    private let settings: APISettings
    private let version: String
    private let obstacles: @Sendable () -> [Obstacle]
    private let page: @Sendable () async -> String
    private let logger: Logger

    /// - Parameters:
    ///   - settings: limits and times, with the address of this port.
    ///   - version: the version that `/healthz` shows.
    ///   - obstacles: what keeps this process from its work now; for `/readyz`.
    ///   - logger: of the server.
    ///   - page: what `/metrics` answers.
    package init(
        settings: APISettings,
        version: String,
        obstacles: @escaping @Sendable () -> [Obstacle],
        logger: Logger,
        page: @escaping @Sendable () async -> String
    ) {
        self.settings = settings
        self.version = version
        self.obstacles = obstacles
        self.page = page
        self.logger = logger
    }

    /// Listens until shutdown.
    ///
    /// - Throws: `PortInUse`, or why it could not go on.
    package func run() async throws {
        let application = Application(
            responder: MetricsResponder(
                page: page,
                obstacles: obstacles,
                health: APIResponder.healthBody(version: version),
                foreignPages: ForeignPages(settings),
                retryAfter: settings.retryAfter
            ),
            server: .api(settings, nil, nil),
            configuration: .init(address: .hostname(settings.host, port: settings.port)),
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            logger: logger
        )
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw PortInUse(host: settings.host, port: settings.port)
        }
    }

    /// Another program listens there.
    package struct PortInUse: Error, Equatable {
        package var host: String
        package var port: Int
    }
}

private struct MetricsResponder: HTTPResponder {
    let page: @Sendable () async -> String
    let obstacles: @Sendable () -> [Obstacle]
    let health: ByteBuffer
    /// On loopback no page may read it under a name of its own.
    let foreignPages: ForeignPages
    let retryAfter: Duration

    func respond(to request: Request, context: APIContext) async throws -> Response {
        let id = RequestID(request.headers)
        var response: Response
        do throws(Problem) {
            response = try await answer(request, id)
        } catch {
            response = Response(
                status: error.status,
                headers: error.headers(id, retryAfter: retryAfter),
                body: ResponseBody(byteBuffer: error.body(id))
            )
        }
        if request.method == .head { response.dropBody() }
        return response
    }

    private func answer(_ request: Request, _ id: RequestID) async throws(Problem) -> Response {
        let path = request.head.path?.prefix { $0 != "?" } ?? ""
        guard let route = Route.matching(path)?.route, [.metrics, .health, .ready].contains(route) else {
            throw .routeNotFound
        }
        guard route.methods.contains(request.method) else { throw .methodNotAllowed(route.methods) }
        switch route {
        case .health: return jsonResponse(.ok, health, id)
        case .ready:
            let obstacles = obstacles()
            guard obstacles.isEmpty else { throw .notReady(obstacles) }
            return jsonResponse(.ok, APIResponder.readyBody, id)
        default: break
        }
        try foreignPages.check(request.head)
        return metricsResponse(await page(), id)
    }
}
