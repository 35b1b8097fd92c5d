import API
import Access
import ArgumentParser
import Engine
import Foundation
import Logging
import NIOPosix
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import TasksSQLite
import Telemetry
import Tracing
import UnixSignals
import Webhooks

/// Everything that a running server is made of; the one place where a contract meets its implementation.
struct Server: Sendable {
    private let store: SQLiteTaskStore
    private let closeResults: @Sendable () async throws -> Void
    private let closeCelery: @Sendable () async -> Void
    private let media: FileMediaStore
    private let fetcher: GuardedMediaFetcher
    private let resolver: SystemAddressResolver
    private let services: [any Service]
    private let drainTimeout: Duration
    private let logger: Logger

    /// Opens the data directory and puts the parts together.
    ///
    /// Nothing runs yet.
    ///
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - logger: of the whole server.
    ///   - registry: has what is counted; swift-metrics must have been told of it.
    ///   - onBound: called once the server accepts connections.
    /// - Returns: the server.
    /// - Throws: `ServerError`.
    static func build(
        _ configuration: ServerConfiguration,
        logger: Logger,
        registry: PrometheusRegistry,
        onBound: @escaping @Sendable (BoundAddress) async -> Void
    ) async throws(ServerError) -> Server {
        let clock = SystemClock()
        let directory = try prepareDirectory(configuration.dataDirectory)
        let store = try await openStore(configuration, directory, clock: clock, logger: logger)
        let (ring, access) = try await openAccess(configuration, store, directory, clock, logger)
        let secrets =
            try configuration.callbackSecrets.isEmpty
            ? [KeptSecrets.callbackSecret(in: directory)] : configuration.callbackSecrets
        var api = configuration.api
        api.videoOrigin = configuration.s3.settings?.origin
        api.keptLinkSecret = try KeptSecrets.videoLinkSecret(in: directory)
        let trustRoots = try trustRoots(configuration.callbackTrustRoots)
        let identity = try identity(configuration.http)
        // Last of what may fail: it has connections that must be ended.
        let (results, closeResults) = try await openResults(configuration.s3.settings, directory, logger)
        let (media, workspace) = try openWorkspace(directory)
        let served = MemoryResultStore(over: results, settings: configuration.memoryLevel)
        let graphicsCards = NVMLProbe()
        let monitor = DeviceMonitor(
            probes: [graphicsCards, HostProbe()],
            interval: configuration.probeInterval,
            clock: clock,
            logger: logger
        )
        let engines = configuration.engineSettings(on: await graphicsCards.devices()).map {
            PythonEngine(settings: $0, logger: logger)
        }
        let book = CostBook(file: "\(directory)/costs.json", logger: logger)
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
            uploads: store,
            files: media,
            inspector: PythonMediaInspector(settings: configuration.mediaSettings, logger: logger),
            fetcher: fetcher,
            settings: configuration.uploads,
            clock: clock,
            logger: logger
        )
        let (tracer, exporter) = tracing(configuration.tracing, clock, logger)
        let scheduler = VideoScheduler(
            store: store,
            deliveries: store,
            results: served,
            engines: engines,
            deriver: PythonVideoDeriver(settings: configuration.mediaSettings, logger: logger),
            intake: intake,
            workspace: workspace,
            devices: { monitor.latest },
            book: book,
            settings: configuration.scheduling,
            clock: clock,
            tracer: tracer,
            logger: logger
        )
        let retention = RetentionService(
            store: store,
            results: served,
            leftovers: LeftoverSweep(
                store: store,
                uploads: store,
                files: media,
                workspace: workspace,
                clock: clock,
                logger: logger
            ),
            settings: configuration.retention,
            clock: clock,
            logger: logger
        )
        let bodies = CallbackBodies(settings: api, clock: clock) { access.gate.needsKeys }
        let callbacks = WebhookSender(
            store: store,
            settings: configuration.callbacks,
            secrets: { id in id == nil ? secrets : ring.callbackSecrets(of: id).compactMap { WebhookSecret($0) } },
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
        let page = MetricsPage(
            registry,
            collectors: ServerCollectors.all(scheduler, monitor, directory: directory) { store.waitingWrites }
        )
        let metricsServer = configuration.metricsListener.map { settings in
            if !ServerConfiguration.isLoopback(settings.host) {
                logger.warning(
                    "Whoever reaches the port for metrics sees them, the names of all tenants included",
                    metadata: ["host": "\(settings.host)", "port": "\(settings.port)"]
                )
            }
            return MetricsServer(settings: settings, version: Version.current, logger: logger) {
                await page.text()
            }
        }
        let origin = OwnOrigin(api)
        let (celery, closeCelery) = try celery(
            configuration,
            store: { () throws(ServerError) in try KeptSecrets.storeName(in: directory) },
            api: api,
            service: scheduler,
            gate: access.gate,
            origin: origin,
            clock: clock,
            logger: logger
        )
        let http = buildAPI(
            settings: api,
            service: scheduler,
            access: access,
            version: Version.current,
            identity: identity,
            clock: clock,
            tracer: tracer,
            logger: logger,
            metricsPage: { await page.text() },
            onBound: { address in
                origin.listens(at: address)
                await onBound(address)
            }
        )
        return Server(
            store: store,
            closeResults: closeResults,
            closeCelery: closeCelery,
            media: media,
            fetcher: fetcher,
            resolver: resolver,
            // Stopped in reverse: requests first, then the work, then the engines; what they tell of that last.
            services: exporter + [monitor, book, ring] + [metricsServer].compactMap { $0 } + engines + [
                callbacks, retention, scheduler.reaper, scheduler.keeper, scheduler.forecaster, scheduler.dispatcher,
            ] + celery + [http],
            drainTimeout: configuration.scheduling.drainTimeout,
            logger: logger
        )
    }

    /// Runs until a signal, or until a part fails; then everything is stopped in order and closed.
    func run(stoppingOn signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: signals,
            logger: logger
        )
        // Beyond the drain time an engine has half a minute to stop within a step; then it is killed.
        configuration.maximumGracefulShutdownDuration = drainTimeout + .seconds(30)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await ServiceGroup(configuration: configuration).run())
        } catch {
            outcome = .failure(error)
        }
        await fetcher.close()
        resolver.close()
        await closeCelery()
        try await store.close()
        try await closeResults()
        try await media.close()
        try outcome.get()
    }

    /// What makes spans, and the service that sends them; without a collector there is neither.
    private static func tracing(
        _ configuration: ServerConfiguration.TracingConfiguration,
        _ clock: any ServiceClock,
        _ logger: Logger
    ) -> (any Tracer, [any Service]) {
        guard let settings = configuration.settings else { return (NoOpTracer(), []) }
        let exporter = OTLPExporter(
            settings: settings,
            version: Version.current,
            instance: UUID().uuidString.lowercased(),
            group: MultiThreadedEventLoopGroup.singleton,
            clock: clock,
            logger: logger
        )
        let sampler = TraceSampler(ratio: configuration.sampleRatio)
        return (SpanTracer(sampler: sampler) { exporter.queue.add($0) }, [exporter])
    }

    /// What the server proves with who it is; `nil` without TLS.
    private static func identity(_ settings: APISettings) throws(ServerError) -> TLSIdentity? {
        guard let certificate = settings.tlsCertificate, let key = settings.tlsKey else { return nil }
        do {
            return try TLSIdentity(certificate: certificate, key: key)
        } catch {
            throw .identityUnusable(error.message)
        }
    }

    private static func trustRoots(_ file: String?) throws(ServerError) -> TrustRoots {
        guard let file else { return .system }
        do {
            return try TrustRoots(alsoIn: file)
        } catch {
            throw .certificatesUnusable("\(file): \(error)")
        }
    }

    /// The database of a data directory.
    static func storePath(in directory: String) -> String { "\(directory)/tasks.sqlite" }

    /// Opens the store of a data directory.
    static func openStore(
        _ configuration: ServerConfiguration,
        _ directory: String,
        clock: any ServiceClock,
        logger: Logger
    ) async throws(ServerError) -> SQLiteTaskStore {
        do throws(SQLiteTaskStoreOpenError) {
            return try await SQLiteTaskStore.open(
                path: storePath(in: directory),
                settings: configuration.store,
                clock: clock,
                logger: logger
            )
        } catch {
            throw ServerError(error, directory: directory)
        }
    }

    /// Reads the keys, and judges whether the server may listen where it is told to.
    private static func openAccess(
        _ configuration: ServerConfiguration,
        _ store: SQLiteTaskStore,
        _ directory: String,
        _ clock: any ServiceClock,
        _ logger: Logger
    ) async throws(ServerError) -> (KeyRing, AccessControl) {
        let ring = KeyRing(store: store, settings: configuration.access, clock: clock, logger: logger)
        do { try await ring.load() } catch { throw .dataDirectoryUnusable("\(directory): \(error.code)") }
        if ring.isEmpty, !configuration.isLoopback {
            guard configuration.isInsecure else { throw .openToAll(configuration.http.host) }
            logger.warning(
                "Nobody needs a key: whoever reaches this server may do everything",
                metadata: ["host": "\(configuration.http.host)"]
            )
        }
        let gate = Gate(ring: ring, meter: LocalRequestMeter(clock: clock), clock: clock, logger: logger)
        let keys = KeyAdministration(store: store, ring: ring, settings: configuration.access, clock: clock)
        return (ring, AccessControl(gate: gate, keys: keys, audit: FileAuditLog(directory: directory, logger: logger)))
    }

    /// Opens what videos are kept in, and gives it with what ends it.
    private static func openResults(
        _ s3: S3Settings?,
        _ directory: String,
        _ logger: Logger
    ) async throws(ServerError) -> (any ResultStore, @Sendable () async throws -> Void) {
        do throws(ResultStoreError) {
            guard let s3 else {
                let files = try FileResultStore(directory: directory, logger: logger)
                return (files, { try await files.close() })
            }
            let objects = try S3ResultStore(settings: s3, directory: directory, logger: logger)
            do throws(ResultStoreError) {
                try await objects.checkBucket()
            } catch {
                // Its connections must be ended, whatever that gives.
                try? await objects.close()
                throw error
            }
            return (objects, { try await objects.close() })
        } catch {
            guard s3 == nil else { throw .bucketUnusable("\(error)") }
            throw .dataDirectoryUnusable("\(error)")
        }
    }

    /// Opens what uploads are kept in, and what generations leave while they run.
    private static func openWorkspace(
        _ directory: String
    ) throws(ServerError) -> (FileMediaStore, Workspace) {
        do throws(ResultStoreError) {
            return (
                try FileMediaStore(directory: directory),
                try Workspace(directory: directory)
            )
        } catch {
            throw .dataDirectoryUnusable("\(error)")
        }
    }

    /// Makes the data directory, for its owner alone.
    static func prepareDirectory(_ path: String) throws(ServerError) -> String {
        let url = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(
                at: url,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw .dataDirectoryUnusable("\(path): \(error.localizedDescription)")
        }
        return url.path
    }
}

/// Why a server could not be put together.
enum ServerError: Error, Equatable {
    case dataDirectoryInUse(String)
    case dataDirectoryUnusable(String)
    case bucketUnusable(String)
    case certificatesUnusable(String)
    case celeryUnusable(String)
    /// Anybody could come in at this host.
    case openToAll(String)
    case identityUnusable(String)

    init(_ error: SQLiteTaskStoreOpenError, directory: String) {
        self =
            switch error {
            case .inUse: .dataDirectoryInUse(directory)
            case .unusable(let reason): .dataDirectoryUnusable("\(directory): \(reason)")
            }
    }

    /// For people; says what to do.
    var message: String {
        switch self {
        case .dataDirectoryInUse(let path):
            "Another server is running on \(path). Stop it, or give this one its own directory with --data."
        case .dataDirectoryUnusable(let reason):
            "The data directory cannot be used: \(reason)"
        case .bucketUnusable(let reason):
            "The bucket of s3.bucket cannot be used: \(reason)"
        case .certificatesUnusable(let reason):
            "The certificates of callbacks.trustRoots cannot be used: \(reason)"
        case .celeryUnusable(let reason):
            "Celery's broker or backend cannot be used: \(reason)"
        case .openToAll(let host):
            """
            There is no key yet, so whoever reaches \(host) could do everything. Make one with
              animato keys create NAME --scope admin --data DIRECTORY
            or set access.adminKey, or listen on 127.0.0.1, or take the risk with --insecure.
            """
        case .identityUnusable(let reason):
            "http.tlsCertificate and http.tlsKey cannot be used: \(reason)"
        }
    }

    /// What to leave with.
    var exitCode: ExitCode {
        switch self {
        case .identityUnusable, .openToAll: Exit.configuration
        case .dataDirectoryInUse, .dataDirectoryUnusable, .bucketUnusable, .certificatesUnusable, .celeryUnusable:
            Exit.unavailable
        }
    }
}
