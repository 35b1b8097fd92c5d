import API
import Access
import Celery
import Logging
import Redis
import Scheduling
import ServiceLifecycle
import Synchronization
import Tasks

extension Server {
    /// The bridge to Celery with its connections; without a broker nothing.
    ///
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - doors: keys, secrets and the settings of the HTTP server.
    ///   - service: has videos made.
    ///   - origin: what addresses in results begin with.
    ///   - clock: wall time counts.
    ///   - logger: of the whole server.
    /// - Returns: the service, and what ends its connections.
    /// - Throws: `celeryUnusable`.
    static func celery(
        _ configuration: ServerConfiguration,
        _ doors: Doors,
        service: any VideoService,
        origin: OwnOrigin,
        clock: any ServiceClock,
        logger: Logger
    ) throws(ServerError) -> (services: [any Service], close: @Sendable () async -> Void) {
        guard let broker = configuration.celery.brokers.first,
            let settings = configuration.celerySettings(store: doors.storeName)
        else { return ([], {}) }
        let door = ProgramDoor(
            settings: doors.settings,
            service: service,
            gate: doors.access.gate,
            bearer: configuration.celery.key,
            clock: clock,
            origin: { origin.text }
        )
        func redis(_ url: RedisURL, _ name: String) -> RedisSettings {
            RedisSettings(url: url, authorities: configuration.celery.trustRoots, name: name)
        }
        do throws(RedisError) {
            let broker = redis(broker, "celery-broker")
            let tasks = try RedisClient(broker, logger: logger)
            let results =
                try configuration.celery.backends.first.map { url throws(RedisError) in
                    try RedisClient(redis(url, "celery-backend"), logger: logger)
                } ?? tasks
            let bridge = CeleryBridge(
                submissions: CeleryDoor(door: door, logger: logger),
                broker: tasks,
                backend: results,
                subscriber: try RedisSubscriber(broker, logger: logger),
                settings: settings,
                version: Version.current,
                clock: clock,
                logger: logger
            )
            return (
                [bridge],
                {
                    await tasks.close()
                    await results.close()
                }
            )
        } catch {
            throw .celeryUnusable("\(error)")
        }
    }
}

/// What addresses begin with that this server gives to those who did not come in by one.
final class OwnOrigin: Sendable {
    private let settings: APISettings
    private let bound = Mutex<BoundAddress?>(nil)

    init(_ settings: APISettings) {
        self.settings = settings
    }

    /// Takes note of where the server listens.
    func listens(at address: BoundAddress) {
        bound.withLock { $0 = address }
    }

    /// `http.publicURL`, or else where the server listens.
    var text: String {
        let address = bound.withLock { $0 }
        return settings.publicURL
            ?? "\(settings.scheme)://\(settings.host):\(address?.port ?? settings.port)"
    }
}
