import Foundation
import Logging
import Tasks
import TasksSQLite
import TestSupport
import Testing

/// Every implementation of the stores' contracts; the conformance suites run for each.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqliteInMemory
    case sqliteOnDisk
    /// Nothing kept in memory, so that every read comes from the database.
    case sqliteUncached

    var testDescription: String { rawValue }

    /// Gives the check a store of its own and clears away after it.
    func withWorld(_ check: @Sendable (DeliveryStoreWorld) async throws -> Void) async throws {
        try await withStores { store, clock, reopen in
            guard let reopen else { return try await check(DeliveryStoreWorld(store: store, clock: clock)) }
            let world = DeliveryStoreWorld(store: store, clock: clock) {
                () async throws -> any TaskStore & DeliveryStore in try await reopen()
            }
            try await check(world)
        }
    }

    /// Opens the store again on the same data.
    typealias Reopen = @Sendable () async throws -> SQLiteTaskStore

    /// The same for any contract that the store keeps.
    func withStores(
        _ check: @Sendable (SQLiteTaskStore, ManualClock, Reopen?) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        switch self {
        case .sqliteInMemory:
            let store = try await SQLiteTaskStore.inMemory(clock: clock, logger: logger)
            try await check(store, clock, nil)
            try await store.close()
        case .sqliteOnDisk, .sqliteUncached:
            let settings =
                self == .sqliteUncached ? SQLiteTaskStoreSettings(cachedTasks: 0) : SQLiteTaskStoreSettings()
            try await withTemporaryDirectory { directory in
                let path = "\(directory)/tasks.sqlite"
                let open = OpenStore(
                    try await SQLiteTaskStore.open(path: path, settings: settings, clock: clock, logger: logger)
                )
                try await check(await open.store, clock) {
                    try await open.replace {
                        try await SQLiteTaskStore.open(path: path, settings: settings, clock: clock, logger: logger)
                    }
                }
                try await open.store.close()
            }
        }
    }
}

/// The store that is open now.
private actor OpenStore {
    private(set) var store: SQLiteTaskStore

    init(_ store: SQLiteTaskStore) {
        self.store = store
    }

    func replace(_ open: @Sendable () async throws -> SQLiteTaskStore) async throws -> SQLiteTaskStore {
        try await store.close()
        store = try await open()
        return store
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
