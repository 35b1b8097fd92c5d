import API
import Engine
import Foundation
import Logging
import NIOPosix
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import TasksSQLite
import UnixSignals
import Webhooks

/// Everything that a running server is made of; the one place where a contract meets its implementation.
struct Server: Sendable {
    private let store: SQLiteTaskStore
    private let closeResults: @Sendable () async throws -> Void
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
    ///   - onBound: called once the server accepts connections.
    /// - Returns: the server.
    /// - Throws: `ServerError`.
    static func build(
        _ configuration: ServerConfiguration,
        logger: Logger,
        onBound: @escaping @Sendable (BoundAddress) async -> Void
    ) async throws(ServerError) -> Server {
        let clock = SystemClock()
        let directory = try prepareDirectory(configuration.dataDirectory)
        let store: SQLiteTaskStore
        do throws(SQLiteTaskStoreOpenError) {
            store = try await SQLiteTaskStore.open(
                path: "\(directory)/tasks.sqlite",
                settings: configuration.store,
                clock: clock,
                logger: logger
            )
        } catch {
            throw ServerError(error, directory: directory)
        }
        let secrets =
            try configuration.callbackSecrets.isEmpty
            ? [CallbackSecrets.secret(in: directory)] : configuration.callbackSecrets
        let trustRoots = try trustRoots(configuration.callbackTrustRoots)
        // Last of what may fail: it has connections that must be ended.
        let (results, closeResults) = try await openResults(configuration.s3.settings, directory, logger)
        let (media, workspace) = try openWorkspace(directory)
        let served = MemoryResultStore(over: results, settings: configuration.memoryLevel)
        let engines = configuration.engineSettings.map { PythonEngine(settings: $0, logger: logger) }
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
        let scheduler = VideoScheduler(
            store: store,
            deliveries: store,
            results: served,
            engines: engines,
            deriver: PythonVideoDeriver(settings: configuration.mediaSettings, logger: logger),
            intake: intake,
            workspace: workspace,
            settings: configuration.scheduling,
            clock: clock,
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
        let bodies = CallbackBodies(settings: configuration.http, clock: clock)
        let callbacks = WebhookSender(
            store: store,
            settings: configuration.callbacks,
            secrets: secrets,
            policy: configuration.http.callbacks,
            resolver: resolver,
            trustRoots: trustRoots,
            userAgent: userAgent,
            group: MultiThreadedEventLoopGroup.singleton,
            clock: clock,
            logger: logger,
            render: { bodies.body(of: $0) }
        )
        let http = buildAPI(
            settings: configuration.api,
            service: scheduler,
            version: Version.current,
            clock: clock,
            logger: logger,
            onBound: onBound
        )
        return Server(
            store: store,
            closeResults: closeResults,
            media: media,
            fetcher: fetcher,
            resolver: resolver,
            // Stopped in reverse: requests first, then the work, then the engines.
            services: engines + [
                callbacks, retention, scheduler.reaper, scheduler.preemptor, scheduler.dispatcher, http,
            ],
            drainTimeout: configuration.scheduling.drainTimeout,
            logger: logger
        )
    }

    /// Runs until SIGTERM or SIGINT, or until a part fails; then everything is stopped in order and closed.
    func run() async throws {
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
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
        try await store.close()
        try await closeResults()
        try await media.close()
        try outcome.get()
    }

    private static func trustRoots(_ file: String?) throws(ServerError) -> TrustRoots {
        guard let file else { return .system }
        do {
            return try TrustRoots(alsoIn: file)
        } catch {
            throw .certificatesUnusable("\(file): \(error)")
        }
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
    private static func prepareDirectory(_ path: String) throws(ServerError) -> String {
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
        }
    }
}
