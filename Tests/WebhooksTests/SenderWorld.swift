import Foundation
import Logging
import NIOPosix
import ServiceLifecycle
import Tasks
import TasksSQLite
import TestSupport
import Testing

@testable import Webhooks

/// A sender over a real store, with receivers on loopback under names of their own.
struct SenderWorld: Sendable {
    let store: SQLiteTaskStore
    private let worker = WorkerID(rawValue: "worker")

    /// Makes a task that succeeds, with callbacks to an address.
    @discardableResult
    func succeed(
        _ key: String,
        _ url: String,
        events: Set<CallbackEvent> = CallbackEvent.ends,
        accessKey: KeyID? = nil
    ) async throws -> TaskID {
        let id = try await submit(key, url, events: events, accessKey: accessKey)
        let claimed = try #require(try await store.claim(ClaimRequest(owner: worker, duration: .seconds(60))))
        try await store.finish(claimed.lease, with: .fixture(claimed))
        return id
    }

    func submit(
        _ key: String,
        _ url: String,
        events: Set<CallbackEvent>,
        accessKey: KeyID? = nil
    ) async throws -> TaskID {
        let policy = CallbackPolicy(allowsHTTP: true, allowedNetworks: Self.loopback)
        let callback = Callback(url: try CallbackURL(url, policy: policy), events: events, origin: "http://a")
        var task = try NewTask.fixture(key, callback: callback)
        task.accessKey = accessKey
        return try await store.submit(task, queueLimit: 10_000).task.id
    }

    func claim() async throws -> ClaimedGeneration {
        try #require(try await store.claim(ClaimRequest(owner: worker, duration: .seconds(60))))
    }

    func deliveries(_ status: DeliveryStatus) async throws -> [Delivery] {
        try await store.deliveries(matching: DeliveryQuery(tenant: .standard, status: status, limit: 1000)).deliveries
    }

    /// Returns once so many deliveries have a status.
    func wait(for count: Int, _ status: DeliveryStatus) async throws -> [Delivery] {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            let found = try await deliveries(status)
            if found.count >= count { return found }
            try await Task.sleep(for: .milliseconds(5))
        }
        let found = try await deliveries(status)
        try #require(found.count >= count, "\(found.count) deliveries are \(status), not \(count)")
        return found
    }

    static let loopback = ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }

    /// Settings whose delays are short enough to wait for.
    static let quick = WebhookSettings(
        connectTimeout: .seconds(2),
        timeout: .seconds(2),
        shutdownGrace: .milliseconds(100),
        delays: Array(repeating: .milliseconds(20), count: 7),
        longestPause: .milliseconds(20)
    )

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a sender for the length of a body.
    static func run(
        _ settings: WebhookSettings = quick,
        policy: CallbackPolicy = CallbackPolicy(allowsHTTP: true, allowedNetworks: loopback),
        resolver: any AddressResolver = ScriptedResolver(["receiver.test": [["127.0.0.1"]]]),
        trustRoots: TrustRoots = .system,
        secrets: @escaping @Sendable (KeyID?) -> [WebhookSecret] = { [secret = WebhookSecret()] _ in [secret] },
        clock: any ServiceClock = SystemClock(),
        _ body: @Sendable (SenderWorld) async throws -> Void
    ) async throws {
        let store = try await SQLiteTaskStore.inMemory(clock: SystemClock(), logger: logger)
        try await run(
            over: store,
            settings,
            policy: policy,
            resolver: resolver,
            trustRoots: trustRoots,
            secrets: secrets,
            clock: clock
        ) {
            try await body($0)
        }
        try await store.close()
    }

    /// Runs a sender over a store that is there already.
    static func run(
        over store: SQLiteTaskStore,
        _ settings: WebhookSettings = quick,
        policy: CallbackPolicy = CallbackPolicy(allowsHTTP: true, allowedNetworks: loopback),
        resolver: any AddressResolver = ScriptedResolver(["receiver.test": [["127.0.0.1"]]]),
        trustRoots: TrustRoots = .system,
        secrets: @escaping @Sendable (KeyID?) -> [WebhookSecret] = { [secret = WebhookSecret()] _ in [secret] },
        clock: any ServiceClock = SystemClock(),
        _ body: @Sendable (SenderWorld) async throws -> Void
    ) async throws {
        let sender = WebhookSender(
            store: store,
            settings: settings,
            secrets: secrets,
            policy: policy,
            resolver: resolver,
            trustRoots: trustRoots,
            userAgent: "Animato/test",
            group: MultiThreadedEventLoopGroup.singleton,
            clock: clock,
            logger: logger,
            render: { claimed in
                Data(#"{"task":"\#(claimed.task.id)","type":"\#(claimed.delivery.event.rawValue)"}"#.utf8)
            }
        )
        let group = ServiceGroup(configuration: .init(services: [sender], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(SenderWorld(store: store))) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }
}
