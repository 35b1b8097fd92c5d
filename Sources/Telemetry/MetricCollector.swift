import Synchronization

/// Looks values up when somebody asks for them, and not more often than is worth it.
///
/// Whoever asks waits for a bounded time, and at most one look goes on: what is looked at may hang.
package final class MetricCollector: Sendable {
    private struct State {
        var samples: [MetricSample]?
        var taken: ContinuousClock.Instant?
        /// Ends of the look that goes on; `nil`: none does.
        var waiting: [AsyncStream<[MetricSample]?>.Continuation]?
    }

    /// Who may wait for one look; more are told at once that there is nothing.
    static let maximumWaiting = 100

    package let name: String
    private let freshness: Duration
    private let timeLimit: Duration
    private let look: @Sendable () async -> [MetricSample]?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - name: what is looked at.
    ///   - freshness: for how long what was seen is good enough.
    ///   - timeLimit: the longest that somebody waits.
    ///   - look: gives the values; `nil` if that cannot be done now.
    package init(
        _ name: String,
        freshness: Duration = .seconds(1),
        timeLimit: Duration = .seconds(2),
        look: @escaping @Sendable () async -> [MetricSample]?
    ) {
        self.name = name
        self.freshness = freshness
        self.timeLimit = timeLimit
        self.look = look
    }

    /// The values of now, or of a moment ago; `nil` if they cannot be had, or not in time.
    func samples() async -> [MetricSample]? {
        let (answers, continuation) = AsyncStream.makeStream(
            of: [MetricSample]?.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        let now = ContinuousClock.now
        enum Step {
            case have([MetricSample]?)
            case begin
            case wait
        }
        let step: Step = state.withLock { state in
            if let taken = state.taken, now - taken < freshness { return .have(state.samples) }
            guard let waiting = state.waiting else {
                state.waiting = [continuation]
                return .begin
            }
            guard waiting.count < Self.maximumWaiting else { return .have(nil) }
            state.waiting = waiting + [continuation]
            return .wait
        }
        switch step {
        case .have(let samples): return samples
        // Nobody awaits it, since it may hang; it ends with the look, and there is one at a time.
        case .begin: Task { await self.refresh() }
        case .wait: break
        }
        return await withTaskGroup(of: [MetricSample]?.self) { group in
            group.addTask {
                for await samples in answers { return samples }
                return nil
            }
            group.addTask {
                try? await ContinuousClock().sleep(for: self.timeLimit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private func refresh() async {
        let samples = await look()
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            state.samples = samples
            state.taken = .now
            return state.waiting ?? []
        }
        for continuation in waiting { continuation.yield(samples) }
    }
}
