import Foundation
package import Logging

/// Looks into files by one short process each: what is in them is never decoded in the server.
package final class PythonMediaInspector: MediaInspector {
    private static let words = ShortProcess.Words(code: "inspection", failure: "The file cannot be looked into")

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
        queueLimit: Int = 64,
        logger: Logger = Logger(label: "animato.inspect")
    ) {
        self.logger = logger
        let slots = Slots(count: concurrency, queueLimit: queueLimit)
        process = ShortProcess(settings: settings, timeLimit: timeLimit, slots: slots)
    }

    /// How many wait for a place.
    var waiting: Int { process.slots.waiting }

    package func inspect(_ file: String) async throws(EngineFault) -> InspectedMedia {
        let output: String
        do throws(EngineFault) {
            output = try await process.run(["inspect", "--input", file], Self.words)
        } catch {
            if !error.log.isEmpty {
                logger.error("file could not be looked into", metadata: ["log": .array(error.log.map { "\($0)" })])
            }
            throw error
        }
        guard let media = try? JSONDecoder().decode(InspectedMedia.self, from: Data(output.utf8)), media.isSound else {
            throw EngineFault(code: "inspection_failed", message: "What the file is said to be cannot be read.")
        }
        return media
    }
}
