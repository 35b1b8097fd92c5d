import Foundation
package import Logging
import ServiceLifecycle
import Synchronization
import Tasks

/// What this server has learned of times and memory; kept in a file, so that it need not be learned again.
///
/// Of several processes all learn the same in the same order, from what each of them tells the others (`Presence`).
package final class CostBook: Service {
    private struct Contents: Codable {
        var format = 1
        var costs = CostModel()
        var memory = MemoryModel()
    }

    /// What a generation is expected to need.
    struct Appraisal: Sendable, Equatable {
        /// Of device time on the reference device.
        var seconds: Double
        /// The least memory of a device on which it is predicted to fit; 0: unknown, or any will do.
        var memoryBytes: Int64
    }

    private struct State {
        var contents = Contents()
        var isChanged = false
        /// Since the last thing that was learned, so that submitting the like of what was just submitted costs a look-up.
        var appraisals: [Work: Appraisal] = [:]
        /// Where lessons go that all processes are to learn from.
        var outlet: AsyncStream<Lesson>.Continuation?
    }

    private static let maximumAppraisals = 1_000
    /// Lessons that wait to be told.
    private static let maximumLessons = 1_000

    /// How often it is written, where there is something new.
    private static let interval: Duration = .seconds(60)
    /// A file of more is none of ours.
    private static let maximumBytes = 16 << 20

    private let file: String?
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - file: where it is kept; `nil`: nowhere. One that cannot be read is as good as none.
    ///   - logger: for a file that cannot be read or written.
    package init(file: String?, logger: Logger) {
        self.file = file
        self.logger = logger
        guard let file, FileManager.default.fileExists(atPath: file) else { return }
        do {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            guard bytes.count <= Self.maximumBytes else { throw CocoaError(.fileReadTooLarge) }
            let contents = try JSONDecoder().decode(Contents.self, from: bytes)
            state.withLock { $0.contents = contents }
        } catch {
            logger.warning("What was learned of times and memory cannot be read and is learned anew")
        }
    }

    /// Both models as they are now.
    package var models: (costs: CostModel, memory: MemoryModel) {
        state.withLock { ($0.contents.costs, $0.contents.memory) }
    }

    /// What a generation is expected to need, for the order of the queue and for its lane.
    ///
    /// - Parameters:
    ///   - work: what is to be made.
    ///   - model: of that name.
    ///   - kind: of the device whose time it is told in.
    /// - Returns: the same for equal work, until something is learned.
    func appraisal(
        of work: Work,
        _ model: @autoclosure () -> ModelFacts,
        on kind: @autoclosure () -> DeviceKind
    ) -> Appraisal {
        if let known = state.withLock({ $0.appraisals[work] }) { return known }
        let (model, kind) = (model(), kind())
        return state.withLock { state in
            let (costs, memory) = (state.contents.costs, state.contents.memory)
            let mode = memory.mode(for: work, model: model, capacity: .max) ?? model.memoryModes.first ?? .full
            let appraisal = Appraisal(
                seconds: costs.estimate(work, model: model, mode: mode, on: kind).deviceSeconds(isWarm: true),
                memoryBytes: memory.leastMemory(for: work, model: model)
            )
            if state.appraisals.count >= Self.maximumAppraisals { state.appraisals = [:] }
            state.appraisals[work] = appraisal
            return appraisal
        }
    }

    /// Learns something, or has all processes learn it, this one with them.
    func learn(_ lesson: Lesson) {
        if let outlet = state.withLock({ $0.outlet }) {
            outlet.yield(lesson)
        } else {
            take(lesson)
        }
    }

    /// Learns what all processes learn, in the same order.
    func take(_ lesson: Lesson) {
        state.withLock { state in
            lesson.teach(&state.contents.costs, &state.contents.memory)
            state.isChanged = true
            state.appraisals = [:]
        }
    }

    /// What this process has learned from now on, for all; whoever reads it has everybody take it.
    ///
    /// Of what is not read in time the oldest goes. Once nobody reads it, the book learns by itself again.
    func lessons() -> AsyncStream<Lesson> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Lesson.self,
            bufferingPolicy: .bufferingNewest(Self.maximumLessons)
        )
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.outlet = nil }
        }
        state.withLock { $0.outlet = continuation }
        return stream
    }

    /// Has expectations worked out anew, because something that they are made of is another.
    func forgetAppraisals() {
        state.withLock { $0.appraisals = [:] }
    }

    /// Writes now and then, and once more at the end.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // The only error is the cancellation, which the loop looks for.
                try? await Task.sleep(for: Self.interval, clock: .suspending)
                self.save()
            }
        }
    }

    /// Writes what has changed since the last time.
    private func save() {
        let contents = state.withLock { state -> Contents? in
            guard state.isChanged else { return nil }
            state.isChanged = false
            return state.contents
        }
        guard let file, let contents else { return }
        do {
            try JSONEncoder().encode(contents).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            logger.warning("What was learned of times and memory could not be written", metadata: ["error": "\(error)"])
            state.withLock { $0.isChanged = true }
        }
    }
}
