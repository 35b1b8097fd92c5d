import Logging
import ServiceLifecycle
import UnixSignals

/// Everything that a running process is made of, in its role.
struct Server: Sendable {
    private let services: [any Service]
    private let drainTimeout: Duration
    private let logger: Logger
    private let closing: [@Sendable () async throws -> Void]

    /// - Parameters:
    ///   - services: stopped in reverse: requests first, then the work, then the engines; what they tell of that last.
    ///   - drainTimeout: how long work may go on at shutdown.
    ///   - logger: of the whole server.
    ///   - closing: ends what was opened, in this order, once no service runs.
    init(
        services: [any Service],
        drainTimeout: Duration,
        logger: Logger,
        closing: [@Sendable () async throws -> Void]
    ) {
        self.services = services
        self.drainTimeout = drainTimeout
        self.logger = logger
        self.closing = closing
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
        for close in closing { try await close() }
        try outcome.get()
    }
}
