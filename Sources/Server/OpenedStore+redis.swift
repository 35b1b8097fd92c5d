import Logging
import Redis
import Tasks
import TasksRedis

extension OpenedStore {
    /// Joins the processes that share a Redis.
    ///
    /// - Parameters:
    ///   - url: where it is.
    ///   - configuration: every setting.
    ///   - logger: hears when the connection is lost and found.
    /// - Returns: the store.
    /// - Throws: `storeUnusable`.
    static func openRedis(
        _ url: RedisURL,
        _ configuration: ServerConfiguration,
        logger: Logger
    ) async throws(ServerError) -> OpenedStore {
        let settings = configuration.sharedStore
        let client: RedisClient
        let videos: RedisClient
        do {
            var connection = RedisSettings(url: url, authorities: configuration.redisTrustRoots, name: "store")
            client = try RedisClient(connection, logger: logger)
            // Of their own, so that nothing waits behind a video; and what does not come soon comes from the disk.
            connection.name = "videos"
            connection.commandTimeout = .seconds(1)
            connection.grace = .milliseconds(100)
            videos = try RedisClient(connection, logger: logger)
        } catch {
            throw .storeUnusable("\(url): \(error)")
        }
        let clock = RedisClock(client, logger: logger)
        do {
            try await client.connect()
            try await clock.measure()
            let store = try await RedisTaskStore.open(client: client, settings: settings, clock: clock, logger: logger)
            let coordination = RedisCoordination(client, settings: settings, logger: logger)
            return OpenedStore(
                store: store,
                clock: clock,
                coordination: coordination,
                meter: RedisRequestMeter(client, settings: settings, clock: clock),
                videos: videos,
                waitingWrites: nil,
                services: [clock],
                close: {
                    await coordination.close()
                    await store.close()
                    await client.close()
                    await videos.close()
                }
            )
        } catch {
            await client.close()
            throw .storeUnusable("\(url): \(error)")
        }
    }
}
