import Engine
import Logging
import ServiceLifecycle
import Tasks

/// Gives each engine its next generation as soon as it is free.
///
/// One loop an engine, one generation at a time.
package struct Dispatcher: Service {
    /// Longest wait before an idle engine looks for work without having been told of any.
    private static let idleLook: Duration = .seconds(30)

    let store: any TaskStore
    let engines: [any VideoEngine]
    let settings: SchedulingSettings
    let clock: any ServiceClock
    let board: EngineBoard
    let wake: WakeSignal
    let attempts: AttemptRunner
    let logger: Logger
    private let worker = WorkerID.unique()

    init(
        store: any TaskStore,
        engines: [any VideoEngine],
        settings: SchedulingSettings,
        clock: any ServiceClock,
        board: EngineBoard,
        wake: WakeSignal,
        attempts: AttemptRunner,
        logger: Logger
    ) {
        self.store = store
        self.engines = engines
        self.settings = settings
        self.clock = clock
        self.board = board
        self.wake = wake
        self.attempts = attempts
        self.logger = logger
    }

    /// Runs until shutdown; what is running then ends or goes back to the queue before this returns.
    package func run() async throws {
        await withTaskGroup { group in
            for engine in engines {
                group.addTask { await serve(engine) }
            }
        }
    }

    private func serve(_ engine: any VideoEngine) async {
        var pause = LoadFailurePause()
        while !isEnding {
            guard await waitUntilReady(engine) else { return }
            let seen = wake.count
            guard let claimed = await claim() else {
                await idle(after: seen)
                continue
            }
            switch await attempts.run(claimed, on: engine) {
            case .done: pause.reset()
            case .cannotLoad: await wait(for: pause.next())
            }
        }
    }

    private var isEnding: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

    /// Returns whether the engine is ready; `false` when the server ends.
    private func waitUntilReady(_ engine: any VideoEngine) async -> Bool {
        await untilShutdown {
            for await state in engine.states() {
                board.note(state, of: engine.device)
                if case .ready = state { return true }
                if Task.isCancelled { return false }
            }
            return false
        }
    }

    private func claim() async -> ClaimedGeneration? {
        do throws(TaskStoreError) {
            return try await store.claim(ClaimRequest(owner: worker, duration: settings.leaseDuration))
        } catch {
            logger.error("No work could be claimed", metadata: ["code": "\(error.code)"])
            return nil
        }
    }

    /// Waits for a signal, for the start of a delayed generation, or for the idle look.
    private func idle(after seen: UInt64) async {
        var limit = Self.idleLook
        do throws(TaskStoreError) {
            if let start = try await store.nextDelayedStart() {
                limit = min(limit, max(.milliseconds(1), clock.wallTime().duration(to: start)))
            }
        } catch {
            // The store does not answer: look again soon, but not at once.
            limit = .seconds(1)
        }
        await untilShutdown { [limit] in
            await withTaskGroup { group in
                group.addTask { await wake.wait(after: seen) }
                group.addTask { await sleep(limit) }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func wait(for duration: Duration) async {
        await untilShutdown { await sleep(duration) }
    }

    /// A sleep that a cancellation ends early.
    private func sleep(_ duration: Duration) async {
        // The only error is the cancellation, which the caller's loop looks for.
        try? await clock.sleep(for: duration)
    }

    /// Runs something that is cancelled when the server shuts down.
    @discardableResult
    private func untilShutdown<Value: Sendable>(_ body: @Sendable @escaping () async -> Value) async -> Value {
        await cancelWhenGracefulShutdown(body)
    }
}

/// How long a device that cannot load its model is left alone: doubles from one second to one minute.
struct LoadFailurePause {
    private var failures = 0

    /// The pause after one more failure.
    mutating func next() -> Duration {
        failures += 1
        return min(.seconds(60), .seconds(1) * (1 << min(failures - 1, 6)))
    }

    mutating func reset() {
        failures = 0
    }
}
