import Access
import Logging
import Redis
import Scheduling
import ServiceLifecycle
import Tasks
import TasksSQLite

/// The task store of a configuration, with what is kept or agreed on beside it.
struct OpenedStore: Sendable {
    let store: any TaskStore & DeliveryStore & KeyStore & UploadStore
    /// That of the store: the same for all of its processes.
    let clock: any ServiceClock
    /// `nil`: the store is this process's alone.
    let coordination: (any Coordination)?
    let meter: any RequestMeter
    /// Where the most wanted videos are kept for all processes; `nil`: nowhere.
    let videos: RedisClient?
    /// How many writes wait for their turn now; `nil` where each goes out at once.
    let waitingWrites: (@Sendable () -> Int)?
    /// Must run while the store is used.
    let services: [any Service]
    /// Ends it; nothing may be asked afterwards.
    let close: @Sendable () async throws -> Void

    /// Opens the store that the settings name.
    ///
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - directory: that of the data, which exists.
    ///   - logger: for writes that fail.
    /// - Returns: the store.
    /// - Throws: `dataDirectoryInUse`, `dataDirectoryUnusable`, `storeUnusable`.
    static func open(
        _ configuration: ServerConfiguration,
        in directory: String,
        logger: Logger
    ) async throws(ServerError) -> OpenedStore {
        if let url = configuration.redis { return try await openRedis(url, configuration, logger: logger) }
        let clock = SystemClock()
        let store: SQLiteTaskStore
        do throws(SQLiteTaskStoreOpenError) {
            store = try await SQLiteTaskStore.open(
                path: path(in: directory),
                settings: configuration.store,
                clock: clock,
                logger: logger
            )
        } catch {
            throw ServerError(error, directory: directory)
        }
        return OpenedStore(
            store: store,
            clock: clock,
            coordination: nil,
            meter: LocalRequestMeter(clock: clock),
            videos: nil,
            waitingWrites: { store.waitingWrites },
            services: [],
            close: { try await store.close() }
        )
    }

    /// The settings of scheduling, as the store makes them sensible.
    ///
    /// Where a process can be gone while others go on, that is noticed within 15 seconds: 10 until its lease is over, 2
    /// until somebody looks, and some for a busy machine.
    func adapted(_ settings: SchedulingSettings) -> SchedulingSettings {
        guard coordination != nil else { return settings }
        var settings = settings
        settings.leaseDuration = .seconds(10)
        settings.reapInterval = .seconds(2)
        return settings
    }

    /// The database of a data directory.
    static func path(in directory: String) -> String { "\(directory)/tasks.sqlite" }
}
