import Foundation
import Subprocess

/// Asks an installation questions without serving: one short process per question.
///
/// Used by `animato doctor`.
package struct EngineInspection: Sendable {
    /// More than any answer needs.
    static let maximumOutputBytes = 1 << 20

    private let settings: EngineSettings
    private let timeLimit: Duration

    /// - Parameters:
    ///   - settings: the installation; nothing of it is started but the question.
    ///   - timeLimit: how long an answer may take.
    package init(settings: EngineSettings, timeLimit: Duration = .seconds(60)) {
        self.settings = settings
        self.timeLimit = timeLimit
    }

    /// What is on this machine: versions, missing packages, devices.
    ///
    /// - Returns: a JSON object.
    /// - Throws: `engine_not_startable`, `engine_inspection_failed` or `engine_inspection_timeout`.
    package func devices() async throws(EngineFault) -> String {
        try await ask(["devices"])
    }

    /// What a model can make.
    ///
    /// - Parameter model: a checkpoint directory, or the id of one on the hub.
    /// - Returns: the JSON object `model` of the protocol.
    /// - Throws: as `devices()`, or with the code of the protocol's `refused`.
    package func describe(model: String) async throws(EngineFault) -> String {
        try await ask(["describe", "--model", model])
    }

    private func ask(_ question: [String]) async throws(EngineFault) -> String {
        do {
            return try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await answer(to: question) }
                group.addTask {
                    try await Task.sleep(for: timeLimit)
                    throw EngineFault(
                        code: "engine_inspection_timeout",
                        message: "The engine did not answer `\(question[0])` within \(timeLimit)."
                    )
                }
                // Cancelling the other ends its process group.
                defer { group.cancelAll() }
                return try await group.next() ?? ""
            }
        } catch let fault as EngineFault {
            throw fault
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw Self.failed(question, "it answered too much")
        } catch {
            throw EngineProcess.notStartable(EngineProcess.reason(error, settings))
        }
    }

    private func answer(to question: [String]) async throws -> String {
        var options = EngineProcess.options(settings)
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        let result = try await Subprocess.run(
            EngineProcess.executable(settings.python),
            arguments: Arguments(settings.moduleArguments + question),
            environment: EngineProcess.environment(settings),
            platformOptions: options,
            output: .string(limit: Self.maximumOutputBytes),
            error: .string(limit: Self.maximumOutputBytes)
        )
        guard result.terminationStatus.isSuccess else {
            throw Self.refusal(in: result.standardError)
                ?? Self.failed(question, "\(result.terminationStatus.reason)\n\(result.standardError.suffix(2000))")
        }
        return result.standardOutput
    }

    /// What a command says of what it refuses: a JSON object on the last line of standard error.
    static func refusal(in standardError: String) -> EngineFault? {
        guard let line = standardError.split(separator: "\n").last,
            let refused = try? JSONDecoder().decode(EngineMessage.Refused.self, from: Data(line.utf8))
        else { return nil }
        return EngineFault(code: refused.code, message: refused.message)
    }

    private static func failed(_ question: [String], _ reason: String) -> EngineFault {
        EngineFault(code: "engine_inspection_failed", message: "The engine cannot answer `\(question[0])`: \(reason)")
    }
}
