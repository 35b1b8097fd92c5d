import Engine
import Synchronization
import Tasks

/// One attempt while it runs: how far the engine says it is, whether it is to stop, and how it ended.
final class Course: Sendable {
    typealias Outcome = Result<EngineVideo, EngineError>

    /// How far it is, and since when.
    struct Standing: Sendable, Equatable {
        /// `nil` until the first report.
        var progress: GenerationProgress?
        /// Of the last report; monotonic seconds.
        var at: Double
        /// When the first step of this attempt was done, and how many were by then; monotonic seconds.
        var firstStep: (at: Double, step: Int)?

        static func == (one: Standing, other: Standing) -> Bool {
            one.progress == other.progress && one.at == other.at && one.firstStep?.at == other.firstStep?.at
        }
    }

    private struct State {
        var standing: Standing
        var stages = StageTimes()
        /// Monotonic seconds.
        var endedAt: Double?
        var isStopWanted = false
        var outcome: Outcome?
        var waiter: CheckedContinuation<Outcome, Never>?
    }

    private let state: Mutex<State>

    /// - Parameter started: monotonic seconds.
    init(started: Double) {
        state = Mutex(State(standing: Standing(at: started)))
    }

    var standing: Standing { state.withLock { $0.standing } }

    /// The stages that the engine has told of, up to its end or to now; monotonic seconds.
    func stages(now: Double) -> [StageTimes.Span] {
        state.withLock { $0.stages.spans(until: $0.endedAt ?? now) }
    }

    /// Takes a report.
    ///
    /// - Parameters:
    ///   - report: of the engine.
    ///   - now: monotonic seconds.
    /// - Returns: whether the attempt is to stop: an order that came before the engine knew of it was lost.
    func take(_ report: EngineReport, at now: Double) -> Bool {
        state.withLock { state in
            // The others only say what is in a file by now.
            if case .released = report { state.stages.leave(at: now) }
            if case .progress(let progress) = report {
                state.stages.enter(progress.stage, at: now)
                let progress = GenerationProgress(progress)
                state.standing.progress = progress
                state.standing.at = now
                if state.standing.firstStep == nil, progress.stage == .denoise, progress.step > 0 {
                    state.standing.firstStep = (now, progress.step)
                }
            }
            return state.isStopWanted
        }
    }

    /// From now on every report is answered by a stop.
    func wantStop() {
        state.withLock { $0.isStopWanted = true }
    }

    /// Notes the end.
    ///
    /// - Parameters:
    ///   - outcome: of the engine.
    ///   - now: monotonic seconds.
    func end(_ outcome: Outcome, at now: Double) {
        let waiter = state.withLock { state in
            state.outcome = outcome
            state.endedAt = now
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: outcome)
    }

    /// Waits for the end, whether or not the calling task is cancelled: an engine always says how an attempt ended.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.waiter = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}
