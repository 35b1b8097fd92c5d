package import Logging
import ServiceLifecycle

/// An engine that is a Python process, kept running by `run()`: `docs/engine-protocol.md`.
package final class PythonEngine: VideoEngine, Service {
    package let device: String
    private let supervisor: EngineSupervisor

    /// An engine that is not running before `run()`.
    ///
    /// - Parameters:
    ///   - settings: how to start and watch the process.
    ///   - logger: gets this engine's lines, with `device` and `pid` as metadata.
    package init(settings: EngineSettings, logger: Logger = Logger(label: "animato.engine")) {
        device = settings.device
        supervisor = EngineSupervisor(settings: settings, logger: logger)
    }

    package var state: EngineState {
        supervisor.board.state
    }

    package func states() -> AsyncStream<EngineState> {
        supervisor.board.states()
    }

    /// The process id of the engine that runs, if one does.
    package var processID: Int32? {
        supervisor.processID
    }

    package var warmModel: String? {
        supervisor.warmModel
    }

    package func generate(
        _ pass: [GenerateCommand],
        report: @escaping @Sendable (_ id: String, EngineReport) -> Void,
        ended: @escaping @Sendable (_ id: String, Result<EngineVideo, EngineError>) -> Void
    ) async {
        await supervisor.generate(pass, report: report, ended: ended)
    }

    package func cancel(id: String) {
        supervisor.cancel(id: id)
    }

    package func yield(id: String) {
        supervisor.yield(id: id)
    }

    package func park() {
        supervisor.park()
    }

    package func sleep() {
        supervisor.sleep()
    }

    package func wake() {
        supervisor.wake()
    }

    /// Keeps a process running until the service group shuts down, the task is cancelled, or `shutDown()` is called.
    ///
    /// Returns when the process and its group are gone.
    package func run() async {
        await supervisor.run()
    }

    /// Ends the engine for good, as the service group's shutdown does; `run()` then returns.
    package func shutDown() {
        supervisor.shutDown()
    }
}
