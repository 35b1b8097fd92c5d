import Foundation
import Subprocess

/// Runs engine commands that do one thing and exit: no model is loaded for them.
///
/// At the time limit, or when nobody waits any more, the process and its group are ended. Bounded: so many at a time, and
/// so many more that wait.
struct ShortProcess: Sendable {
    /// What its words in messages are.
    struct Words: Sendable {
        /// In codes: `derivation` gives `derivation_busy`, `derivation_timeout`, `derivation_failed`.
        var code: String
        /// At the beginning of a sentence: "The poster.jpg cannot be made".
        var failure: String
    }

    /// More than any answer or fault needs.
    private static let maximumOutputBytes = 1 << 16

    let settings: EngineSettings
    let timeLimit: Duration
    let slots: Slots

    /// Runs one process to its end.
    ///
    /// - Parameters:
    ///   - arguments: the command and what belongs to it.
    ///   - words: for faults.
    /// - Returns: standard output.
    /// - Throws: what the process said of its fault, or `…_busy`, `…_timeout`, `…_failed`, `engine_not_startable`.
    func run(_ arguments: [String], _ words: Words) async throws(EngineFault) -> String {
        guard await slots.take() else {
            throw Task.isCancelled
                ? Self.failed(words, "nobody waits for it any more")
                : EngineFault(
                    code: "\(words.code)_busy",
                    message: "\(words.failure) now: too many wait for it already. Try again in a while."
                )
        }
        defer { slots.give() }
        do {
            return try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await process(arguments, words) }
                group.addTask {
                    try await Task.sleep(for: timeLimit)
                    throw EngineFault(
                        code: "\(words.code)_timeout",
                        message: "\(words.failure) within \(timeLimit)."
                    )
                }
                // Cancelling the other ends its process group.
                defer { group.cancelAll() }
                return try await group.next() ?? ""
            }
        } catch let fault as EngineFault {
            throw fault
        } catch is CancellationError {
            throw Self.failed(words, "nobody waits for it any more")
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw Self.failed(words, "it says too much")
        } catch {
            throw EngineProcess.notStartable(EngineProcess.reason(error, settings))
        }
    }

    private func process(_ arguments: [String], _ words: Words) async throws -> String {
        var options = EngineProcess.options(settings)
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        let result = try await Subprocess.run(
            EngineProcess.executable(settings.python),
            arguments: Arguments(settings.moduleArguments + arguments),
            environment: EngineProcess.environment(settings),
            platformOptions: options,
            output: .string(limit: Self.maximumOutputBytes),
            error: .string(limit: Self.maximumOutputBytes)
        )
        guard !result.terminationStatus.isSuccess else { return result.standardOutput }
        try Task.checkCancellation()
        throw EngineInspection.refusal(in: result.standardError)
            ?? Self.failed(words, "\(result.terminationStatus.reason)", log: result.standardError)
    }

    private static func failed(_ words: Words, _ reason: String, log: String = "") -> EngineFault {
        EngineFault(
            code: "\(words.code)_failed",
            message: "\(words.failure): \(reason).",
            log: log.suffix(2000).split(separator: "\n").map(String.init)
        )
    }
}
