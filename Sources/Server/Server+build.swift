import API
import Access
import Crypto
import Engine
import Logging
import NIOPosix
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import Telemetry
import Tracing
import Webhooks

extension Server {
    /// Opens what is durable and puts the parts of a role together.
    ///
    /// Nothing runs yet.
    ///
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - role: what this process does.
    ///   - logger: of the whole server.
    ///   - registry: has what is counted; swift-metrics must have been told of it.
    ///   - onBound: called once the server accepts connections.
    /// - Returns: the server.
    /// - Throws: `ServerError`.
    static func build(
        _ configuration: ServerConfiguration,
        role: ServerRole = .all,
        logger: Logger,
        registry: PrometheusRegistry,
        onBound: @escaping @Sendable (BoundAddress) async -> Void
    ) async throws(ServerError) -> Server {
        let directory = try prepareDirectory(configuration.dataDirectory)
        let folder = try prepareDirectory(configuration.storageDirectory ?? directory)
        if role != .all, configuration.redis == nil { throw .needsSharedStore(role) }
        let opened = try await OpenedStore.open(configuration, in: directory, logger: logger)
        let clock = opened.clock
        let doors =
            role.answersRequests ? try await Doors.open(configuration, opened, directory, logger: logger) : nil
        let trustRoots = try trustRoots(configuration.callbackTrustRoots)
        // Late, because it has connections that must be ended where something fails afterwards.
        let isShared = opened.coordination != nil
        let (results, closeResults) = try await openResults(
            configuration.s3.settings,
            in: folder,
            isShared: isShared,
            as: ownName(configuration, directory),
            logger
        )
        let (files, workspace) = try openWorkspace(in: folder, isShared: isShared)
        let shared = opened.videos.map {
            RedisResultLevel(over: results, commands: $0, settings: configuration.sharedLevel)
        }
        let served = MemoryResultStore(over: shared ?? results, settings: configuration.memoryLevel)
        let media = MediaTools(configuration, role, opened.coordination, SharedFolder(folder), clock, logger)
        let graphicsCards = NVMLProbe()
        let monitor = DeviceMonitor(
            probes: role.hasEngines ? [graphicsCards, HostProbe()] : [],
            interval: configuration.probeInterval,
            clock: clock,
            logger: logger
        )
        let engines =
            role.hasEngines
            ? configuration.engineSettings(on: await graphicsCards.devices()).map {
                PythonEngine(settings: $0, logger: logger)
            } : []
        // What is learnt is told to all where there are several processes, and kept in a file where there is one.
        let costs = opened.coordination == nil ? "\(directory)/costs.json" : nil
        let book = CostBook(file: costs, logger: logger)
        let identity = MemberIdentity(role: role.member, host: configuration.hostName, version: Version.current)
        let resolver = SystemAddressResolver(timeLimit: configuration.callbacks.connectTimeout)
        let userAgent = "Animato/\(Version.current)"
        let fetcher = GuardedMediaFetcher(
            settings: configuration.mediaFetch,
            policy: configuration.http.callbacks,
            resolver: resolver,
            trustRoots: trustRoots,
            userAgent: userAgent,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        let intake = MediaIntake(
            uploads: opened.store,
            files: files,
            inspector: media.inspector,
            fetcher: fetcher,
            settings: configuration.uploads,
            clock: clock,
            logger: logger
        )
        let (tracer, exporter) = tracing(configuration.tracing, clock, logger)
        let scheduler = VideoScheduler(
            store: opened.store,
            deliveries: opened.store,
            results: served,
            engines: engines,
            deriver: media.deriver,
            intake: intake,
            workspace: workspace,
            devices: { monitor.latest },
            book: book,
            identity: identity,
            coordination: opened.coordination,
            settings: opened.adapted(configuration.scheduling),
            clock: clock,
            tracer: tracer,
            logger: logger
        )
        let page = MetricsPage(
            registry,
            collectors: ServerCollectors.all(
                scheduler,
                monitor,
                directory: directory,
                waitingWrites: opened.waitingWrites
            )
        )
        var services: [any Service] = exporter + opened.services + media.services + [monitor, book]
        if let doors { services.append(doors.ring) }
        if let settings = configuration.metricsListener {
            services.append(metricsServer(settings, scheduler, page, logger))
        }
        services += engines
        if let doors {
            let bodies = CallbackBodies(settings: doors.settings, clock: clock) { doors.access.gate.needsKeys }
            services.append(
                WebhookSender(
                    store: opened.store,
                    settings: configuration.callbacks,
                    secrets: doors.callbackSecrets(of:),
                    policy: configuration.http.callbacks,
                    resolver: resolver,
                    trustRoots: trustRoots,
                    userAgent: userAgent,
                    group: MultiThreadedEventLoopGroup.singleton,
                    clock: clock,
                    tracer: tracer,
                    logger: logger,
                    render: { bodies.body(of: $0) }
                )
            )
            let leftovers = LeftoverSweep(
                store: opened.store,
                uploads: opened.store,
                files: files,
                workspace: workspace,
                clock: clock,
                logger: logger
            )
            services.append(
                RetentionService(
                    store: opened.store,
                    results: served,
                    leftovers: leftovers,
                    settings: configuration.retention,
                    turn: opened.coordination.map { DutyTurn(DutyTurn.retention, as: identity.id, $0) },
                    clock: clock,
                    logger: logger
                )
            )
        }
        if let presence = scheduler.presence { services.append(presence) }
        // The dispatcher also where it has no engines: it listens for what the store tells.
        services += [scheduler.reaper, scheduler.keeper, scheduler.forecaster, scheduler.dispatcher]
        var closeCelery: @Sendable () async -> Void = {}
        if let doors {
            let origin = OwnOrigin(doors.settings)
            do throws(ServerError) {
                let bridge = try celery(
                    configuration, doors, service: scheduler, origin: origin, clock: clock, logger: logger)
                services += bridge.services
                closeCelery = bridge.close
            } catch {
                await fetcher.close()
                // The first reason is the one to tell.
                try? await closeResults()
                throw error
            }
            services.append(
                buildAPI(
                    settings: doors.settings,
                    service: scheduler,
                    access: doors.access,
                    version: Version.current,
                    identity: doors.identity,
                    clock: clock,
                    tracer: tracer,
                    logger: logger,
                    metricsPage: { await page.text() },
                    onBound: { address in
                        origin.listens(at: address)
                        await onBound(address)
                    }
                )
            )
        }
        return Server(
            services: services,
            drainTimeout: configuration.scheduling.drainTimeout,
            logger: logger,
            closing: [
                { await fetcher.close() }, { resolver.close() }, { [closeCelery] in await closeCelery() },
                { try await opened.close() }, closeResults,
                { try await files.close() },
            ]
        )
    }

    /// What no other process of the deployment is called: each has a data directory of its own.
    private static func ownName(_ configuration: ServerConfiguration, _ directory: String) -> String {
        let hash = SHA256.hash(data: Array("\(configuration.hostName) \(directory)".utf8))
        return hash.prefix(8).map { String($0, radix: 16) }.joined()
    }

    private static func metricsServer(
        _ settings: APISettings,
        _ service: any VideoService,
        _ page: MetricsPage,
        _ logger: Logger
    ) -> MetricsServer {
        if !ServerConfiguration.isLoopback(settings.host) {
            logger.warning(
                "Whoever reaches the port for metrics sees them, the names of all tenants included",
                metadata: ["host": "\(settings.host)", "port": "\(settings.port)"]
            )
        }
        return MetricsServer(
            settings: settings,
            version: Version.current,
            obstacles: { service.obstacles() },
            logger: logger,
            page: { await page.text() }
        )
    }
}
