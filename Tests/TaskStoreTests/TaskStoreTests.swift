import Foundation
import Logging
import Redis
import Tasks
import TasksRedis
import TasksSQLite
import TestSupport
import Testing

/// Every implementation of the stores' contracts; the conformance suites run for each.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqliteInMemory
    case sqliteOnDisk
    /// Nothing kept in memory, so that every read comes from the database.
    case sqliteUncached
    case redis

    var testDescription: String { rawValue }

    /// Everything that is kept in one place.
    typealias Store = any TaskStore & DeliveryStore & KeyStore & UploadStore

    /// Opens the store again on the same data.
    typealias Reopen = @Sendable () async throws -> Store

    /// Whether other processes may have the same data open.
    private var isShared: Bool { self == .redis }

    /// Gives the check a store of its own and clears away after it.
    func withWorld(_ check: @Sendable (DeliveryStoreWorld) async throws -> Void) async throws {
        try await withStores { store, clock, reopen in
            guard let reopen else { return try await check(DeliveryStoreWorld(store: store, clock: clock)) }
            let world = DeliveryStoreWorld(
                store: store,
                clock: clock,
                reopen: { () async throws -> any TaskStore & DeliveryStore in try await reopen() },
                isShared: isShared
            )
            try await check(world)
        }
    }

    /// The same for any contract that the store keeps.
    func withStores(_ check: @Sendable (Store, ManualClock, Reopen?) async throws -> Void) async throws {
        let clock = ManualClock()
        switch self {
        case .sqliteInMemory:
            let store = try await SQLiteTaskStore.inMemory(clock: clock, logger: .quiet)
            try await check(store, clock, nil)
            try await store.close()
        case .sqliteOnDisk, .sqliteUncached:
            let settings =
                self == .sqliteUncached ? SQLiteTaskStoreSettings(cachedTasks: 0) : SQLiteTaskStoreSettings()
            try await withTemporaryDirectory { directory in
                try await Self.withOpenStore(clock, check) {
                    let store = try await SQLiteTaskStore.open(
                        path: "\(directory)/tasks.sqlite",
                        settings: settings,
                        clock: clock,
                        logger: .quiet
                    )
                    return OpenStore.Opened(store: store) { try await store.close() }
                }
            }
        case .redis:
            let server = try await RedisFixture.shared()
            let client = try RedisClient(RedisSettings(url: RedisURL(server.url)), logger: .quiet)
            let settings = RedisStoreSettings(prefix: RedisFixture.uniquePrefix())
            try await Self.withOpenStore(clock, check) {
                let store = try await RedisTaskStore.open(
                    client: client,
                    settings: settings,
                    clock: clock,
                    logger: .quiet
                )
                return OpenStore.Opened(store: store) { await store.close() }
            }
            await client.close()
        }
    }

    private static func withOpenStore(
        _ clock: ManualClock,
        _ check: @Sendable (Store, ManualClock, Reopen?) async throws -> Void,
        _ open: @escaping @Sendable () async throws -> OpenStore.Opened
    ) async throws {
        let stores = OpenStore(try await open())
        try await check(await stores.opened.store, clock) { try await stores.replace(open) }
        try await stores.opened.close()
    }
}

extension Logger {
    /// Says nothing.
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// The store that is open now.
private actor OpenStore {
    struct Opened: Sendable {
        var store: Backend.Store
        var close: @Sendable () async throws -> Void
    }

    private(set) var opened: Opened

    init(_ opened: Opened) {
        self.opened = opened
    }

    func replace(_ open: @Sendable () async throws -> Opened) async throws -> Backend.Store {
        try await opened.close()
        opened = try await open()
        return opened.store
    }
}

@Suite("Task stores")
struct TaskStoreTests {
    @Test("Every task store keeps the contract", arguments: Backend.allCases, TaskStoreConformance.all)
    func conformance(backend: Backend, behaviour: TaskStoreConformance) async throws {
        try await backend.withWorld { world in try await behaviour.check(world.tasks) }
    }

    @Test("Every store of deliveries keeps the contract", arguments: Backend.allCases, DeliveryStoreConformance.all)
    func deliveries(backend: Backend, behaviour: DeliveryStoreConformance) async throws {
        try await backend.withWorld(behaviour.check)
    }

    @Test("Every store of uploads keeps the contract", arguments: Backend.allCases, UploadStoreConformance.all)
    func uploads(backend: Backend, behaviour: UploadStoreConformance) async throws {
        try await backend.withStores { store, clock, reopen in
            guard let reopen else { return try await behaviour.check(UploadStoreWorld(store: store, clock: clock)) }
            let world = UploadStoreWorld(store: store, clock: clock) {
                () async throws -> any TaskStore & UploadStore in try await reopen()
            }
            try await behaviour.check(world)
        }
    }
    @Test("Every store of keys keeps the contract", arguments: Backend.allCases, KeyStoreConformance.all)
    func keys(backend: Backend, behaviour: KeyStoreConformance) async throws {
        try await backend.withStores { store, clock, reopen in
            guard let reopen else { return try await behaviour.check(KeyStoreWorld(store: store, clock: clock)) }
            let world = KeyStoreWorld(store: store, clock: clock) {
                () async throws -> any KeyStoreWorld.Store in try await reopen()
            }
            try await behaviour.check(world)
        }
    }
}
