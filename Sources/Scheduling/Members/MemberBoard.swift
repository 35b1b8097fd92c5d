import Engine
import Logging
import Synchronization
import Tasks

/// What the other processes of the deployment said of themselves last.
final class MemberBoard: Sendable {
    /// For how long a process is there after it has said so; the same for what is known of it.
    static let lifetime: Duration = .seconds(10)
    /// Processes whose damaged reports were logged, at most.
    private static let maximumLogged = 1_000

    /// Another process.
    struct Other: Sendable {
        let id: WorkerID
        let report: MemberReport
        /// Those of its engines that can be used.
        let descriptions: [EngineDescription]
        /// Seconds that its generations still took, by id.
        let running: [Int64: Double]
        /// When it was first read; monotonic seconds.
        let seen: Double
        fileprivate let bytes: [UInt8]
    }

    private struct State {
        var others: [Other] = []
        /// When they were last read; monotonic seconds.
        var readAt: Double?
        /// Rises whenever another set of models may be there.
        var version = 0
        var logged: Set<WorkerID> = []
    }

    private let own: WorkerID
    private let logger: Logger
    private let state = Mutex(State())

    init(own: WorkerID, logger: Logger) {
        self.own = own
        self.logger = logger
    }

    /// The others in the order of their ids; none once nobody could be asked for as long as a process stays.
    func others(at now: Double) -> [Other] {
        state.withLock { Self.isFresh($0, now) ? $0.others : [] }
    }

    /// Whether it is known who is there.
    func isKnown(at now: Double) -> Bool {
        state.withLock { Self.isFresh($0, now) }
    }

    var version: Int { state.withLock { $0.version } }

    /// Takes over who is there.
    ///
    /// - Returns: whether there are others than before, or others of their devices take work.
    func take(_ members: [Member], at now: Double) -> Bool {
        let before = Dictionary(
            state.withLock { $0.others }.map { ($0.id, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var others: [Other] = []
        for member in members where member.id != own {
            if let known = before[member.id], known.bytes == member.report {
                others.append(known)
            } else if let new = read(member, at: now) {
                others.append(new)
            }
        }
        let isChanged = others.map(Self.outline) != state.withLock { $0.others.map(Self.outline) }
        let hasOtherModels =
            others.map(\.id) != state.withLock { $0.others.map(\.id) }
            || others.contains { before[$0.id]?.descriptions != $0.descriptions }
        state.withLock { state in
            state.others = others
            state.readAt = now
            if hasOtherModels { state.version += 1 }
        }
        return isChanged || hasOtherModels
    }

    private func read(_ member: Member, at now: Double) -> Other? {
        do {
            let report = try MemberReport(reading: member.report)
            let running = report.running.map { ($0.id, Bounded.seconds($0.secondsLeft)) }
            return Other(
                id: member.id,
                report: report,
                descriptions: report.descriptions.compactMap(\.description),
                running: Dictionary(running, uniquingKeysWith: { first, _ in first }),
                seen: now,
                bytes: member.report
            )
        } catch {
            let isNew = state.withLock { state in
                if state.logged.count >= Self.maximumLogged { state.logged = [] }
                return state.logged.insert(member.id).inserted
            }
            if isNew {
                logger.warning("The report of a process cannot be read", metadata: ["member": "\(member.id)"])
            }
            return nil
        }
    }

    private static func isFresh(_ state: State, _ now: Double) -> Bool {
        state.readAt.map { now - $0 < lifetime.inSeconds } ?? false
    }

    /// What it says of where work may go.
    private static func outline(_ other: Other) -> [String] {
        [other.id.rawValue, "\(other.report.isEnding) \(other.report.isComplete)"]
            + other.report.devices.map { "\($0.id) \($0.isClosed) \($0.totalBytes)" }
    }
}
