import Logging
package import Tasks

/// What one process of a deployment does at a time, whichever that is.
package struct DutyTurn: Sendable {
    /// Videos, uploads and rows that are over.
    package static let retention = "retention"

    private let duty: String
    private let member: WorkerID
    private let coordination: any Coordination

    /// - Parameters:
    ///   - duty: its name.
    ///   - member: this process.
    ///   - coordination: of all processes.
    package init(_ duty: String, as member: WorkerID, _ coordination: any Coordination) {
        self.duty = duty
        self.member = member
        self.coordination = coordination
    }

    /// Whether it is this process's turn for so long; not where nobody can say.
    func take(for duration: Duration, _ logger: Logger) async -> Bool {
        do throws(TaskStoreError) {
            return try await coordination.lead(duty, as: member, for: duration)
        } catch {
            let metadata: Logger.Metadata = ["duty": "\(duty)", "code": "\(error.code)"]
            logger.warning("Whose turn it is could not be asked", metadata: metadata)
            return false
        }
    }
}
