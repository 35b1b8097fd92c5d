package import Logging

/// Makes things from videos by one short process each, which never loads a model.
package final class PythonVideoDeriver: VideoDeriver {
    private let process: ShortProcess
    private let logger: Logger

    /// - Parameters:
    ///   - settings: the installation; its models are not looked at.
    ///   - timeLimit: how long one process may take.
    ///   - concurrency: how many run at a time.
    ///   - queueLimit: how many more may wait.
    ///   - logger: for what the processes say of their faults.
    package init(
        settings: EngineSettings,
        timeLimit: Duration = .seconds(60),
        concurrency: Int = 2,
        queueLimit: Int = 32,
        logger: Logger = Logger(label: "animato.derive")
    ) {
        self.logger = logger
        let slots = Slots(count: concurrency, queueLimit: queueLimit)
        process = ShortProcess(settings: settings, timeLimit: timeLimit, slots: slots)
    }

    /// How many wait for a place.
    var waiting: Int { process.slots.waiting }

    package func derive(_ variant: String, from input: String, to output: String) async throws(EngineFault) {
        do throws(EngineFault) {
            _ = try await process.run(
                ["derive", "--input", input, "--output", output, "--variant", variant],
                ShortProcess.Words(code: "derivation", failure: "The \(variant) cannot be made")
            )
        } catch {
            EngineOutput.discard(output, logger)
            throw error
        }
    }
}
