import Foundation
package import Logging
import Subprocess

/// Makes things from videos by one short process each, which never loads a model.
package final class PythonVideoDeriver: VideoDeriver {
    /// More than a fault needs.
    private static let maximumOutputBytes = 1 << 16

    private let settings: EngineSettings
    private let timeLimit: Duration
    private let logger: Logger
    private let slots: Slots

    /// - Parameters:
    ///   - settings: the installation; its model is not looked at.
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
        self.settings = settings
        self.timeLimit = timeLimit
        self.logger = logger
        slots = Slots(count: concurrency, queueLimit: queueLimit)
    }

    /// How many wait for a place.
    var waiting: Int { slots.waiting }

    package func derive(_ variant: String, from input: String, to output: String) async throws(EngineFault) {
        guard await slots.take() else {
            throw Task.isCancelled
                ? Self.failed(variant, "nobody waits for it any more")
                : EngineFault(
                    code: "derivation_busy",
                    message: "Too much is being made from videos at the moment; try again in a while."
                )
        }
        defer { slots.give() }
        do throws(EngineFault) {
            try await run(["derive", "--input", input, "--output", output, "--variant", variant], variant)
        } catch {
            EngineOutput.discard(output, logger)
            throw error
        }
    }

    /// Runs one process and gives its end; at the time limit, or when nobody waits for it, its group is ended.
    private func run(_ arguments: [String], _ variant: String) async throws(EngineFault) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.process(arguments, variant) }
                group.addTask {
                    try await Task.sleep(for: self.timeLimit)
                    throw EngineFault(
                        code: "derivation_timeout",
                        message: "The \(variant) was not made within \(self.timeLimit)."
                    )
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let fault as EngineFault {
            throw fault
        } catch is CancellationError {
            throw Self.failed(variant, "nobody waits for it any more")
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw Self.failed(variant, "it says too much")
        } catch {
            throw EngineProcess.notStartable(EngineProcess.reason(error, settings))
        }
    }

    private func process(_ arguments: [String], _ variant: String) async throws {
        var options = EngineProcess.options(settings)
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        let result = try await Subprocess.run(
            EngineProcess.executable(settings.python),
            arguments: Arguments(settings.moduleArguments + arguments),
            environment: EngineProcess.environment(settings),
            platformOptions: options,
            output: .discarded,
            error: .string(limit: Self.maximumOutputBytes)
        )
        guard !result.terminationStatus.isSuccess else { return }
        try Task.checkCancellation()
        throw EngineInspection.refusal(in: result.standardError)
            ?? Self.failed(variant, "\(result.terminationStatus.reason)", log: result.standardError)
    }

    private static func failed(_ variant: String, _ reason: String, log: String = "") -> EngineFault {
        EngineFault(
            code: "derivation_failed",
            message: "The \(variant) cannot be made: \(reason).",
            log: log.suffix(2000).split(separator: "\n").map(String.init)
        )
    }
}
