import Logging
import Redis
import Tasks
import TasksRedis
import TestSupport

/// Several stores on one Redis, as several processes have them.
struct RedisStores: Sendable {
    var stores: [RedisTaskStore]
    var clients: [RedisClient]
    var server: RedisFixture
    var settings: RedisStoreSettings
    let clock = ManualClock()

    var first: RedisTaskStore { stores[0] }
    var second: RedisTaskStore { stores[1] }

    /// A world for the helpers of the conformance suites.
    func world(_ index: Int = 0) -> DeliveryStoreWorld {
        DeliveryStoreWorld(store: stores[index], clock: clock)
    }

    /// - Parameters:
    ///   - count: how many.
    ///   - server: their Redis; `nil`: the one of all tests.
    ///   - lossy: how many of a hundred commands are lost, and replies.
    ///   - body: the check; everything is closed after it.
    /// - Throws: what the check throws.
    static func with(
        _ count: Int,
        server: RedisFixture? = nil,
        lossy: Int = 0,
        _ body: (RedisStores) async throws -> Void
    ) async throws {
        let server = if let server { server } else { try await RedisFixture.shared() }
        var stores = RedisStores(
            stores: [],
            clients: [],
            server: server,
            settings: RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
        )
        for index in 0..<count {
            let client = try RedisClient(
                RedisSettings(url: RedisURL(server.url), grace: .seconds(20)),
                logger: .quiet
            )
            let commands: any RedisCommands =
                lossy > 0 ? LossyCommands(client, percent: lossy, seed: UInt64(index)) : client
            stores.clients.append(client)
            stores.stores.append(
                try await persistently {
                    try await RedisTaskStore.open(
                        client: commands,
                        settings: stores.settings,
                        clock: stores.clock,
                        logger: .quiet
                    )
                }
            )
        }
        try await body(stores)
        for store in stores.stores { await store.close() }
        for client in stores.clients { await client.close() }
    }

    /// The key as it is in Redis.
    func key(_ name: String) -> String { "{\(settings.prefix)}:\(name)" }
}

/// Does something again until the store is there.
func persistently<Value>(_ body: () async throws -> Value) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
        do {
            return try await body()
        } catch let error as TaskStoreError {
            switch error {
            case .unavailable, .overloaded:
                guard ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(20))
            default: throw error
            }
        }
    }
}

extension Logger {
    /// Says nothing.
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
