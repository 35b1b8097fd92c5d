import Tasks

/// Which of the generations that wait this process takes, and which it leaves to others that are better off with them.
///
/// It looks at what the other processes said of themselves last; without any it takes everything.
struct Courtesy {
    /// Generations that may be taken.
    struct Choice {
        var heads: [WaitingGeneration]
        /// When more of them may be; monotonic seconds.
        var until: Double?
    }

    /// How long a generation is left to a process that has its model on a free device.
    ///
    /// More than the second within which processes tell of themselves, and less than the loading of any model worth
    /// waiting for.
    static let grace = 2.0

    let deployment: Deployment
    /// Since when the heads are left to others; monotonic seconds.
    private var left: [GenerationID: Double] = [:]

    init(deployment: Deployment) {
        self.deployment = deployment
    }

    /// Chooses.
    ///
    /// - Parameters:
    ///   - heads: the first of each lane.
    ///   - views: of this process's devices.
    ///   - now: monotonic seconds.
    /// - Returns: those that this process takes if it can.
    mutating func choose(among heads: [WaitingGeneration], for views: [DeviceView], at now: Double) -> Choice {
        guard !deployment.others(at: now).isEmpty else {
            left = [:]
            return Choice(heads: heads)
        }
        var choice = Choice(heads: [])
        var stillLeft: [GenerationID: Double] = [:]
        for head in heads {
            if needsLargerElsewhere(head, views, at: now) { continue }
            guard isWarmOnlyElsewhere(head, views, at: now) else {
                choice.heads.append(head)
                continue
            }
            let since = left[head.id] ?? now
            stillLeft[head.id] = since
            if now - since < Self.grace {
                choice.until = min(choice.until ?? .infinity, since + Self.grace)
            } else {
                choice.heads.append(head)
            }
        }
        left = stillLeft
        return choice
    }

    /// Whether no device here can hold it, and a larger one of another process may.
    private func needsLargerElsewhere(_ head: WaitingGeneration, _ views: [DeviceView], at now: Double) -> Bool {
        // A device of unknown memory may hold anything.
        guard !views.isEmpty, views.allSatisfy({ $0.totalBytes > 0 && $0.totalBytes < head.lane.memoryBytes }),
            let own = views.map(\.totalBytes).max(),
            let largest = deployment.largestElsewhere(for: head.work.model, at: now)
        else { return false }
        return largest > own
    }

    /// Whether a free device of another process has its model, and a free one here would have to load it.
    private func isWarmOnlyElsewhere(_ head: WaitingGeneration, _ views: [DeviceView], at now: Double) -> Bool {
        let isWarmHere = views.contains { view in
            !view.isDraining && view.engines.contains { $0.state == .ready && $0.warm?.model == head.work.model }
        }
        return !isWarmHere && deployment.isReadyAndWarmElsewhere(with: head.work.model, at: now)
    }
}
