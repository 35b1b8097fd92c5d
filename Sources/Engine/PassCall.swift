import Synchronization

/// Who waits for the generations of a pass.
final class PassCall: Sendable {
    typealias Outcome = Result<EngineVideo, EngineError>

    /// Those that the call waits for.
    let ids: [String]
    let report: @Sendable (String, EngineReport) -> Void
    private let ended: @Sendable (String, Outcome) -> Void
    private let continuation: CheckedContinuation<Void, Never>
    /// How many have no outcome yet.
    private let left: Mutex<Int>

    /// - Parameters:
    ///   - pass: what is waited for; at least one.
    ///   - report: called for each sign of life.
    ///   - ended: called for each outcome.
    ///   - continuation: resumed after the last of them.
    init(
        _ pass: [GenerateCommand],
        report: @escaping @Sendable (String, EngineReport) -> Void,
        ended: @escaping @Sendable (String, Outcome) -> Void,
        continuation: CheckedContinuation<Void, Never>
    ) {
        ids = pass.map(\.id)
        self.report = report
        self.ended = ended
        self.continuation = continuation
        left = Mutex(pass.count)
    }

    /// One of them has ended; to be called once for each.
    func end(_ id: String, _ outcome: Outcome) {
        ended(id, outcome)
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { continuation.resume() }
    }

    /// None of them was begun.
    func endAll(_ outcome: Outcome) {
        ids.forEach { end($0, outcome) }
    }

    /// As many from the beginning of a pass as fit into a frame; none if not even the first does.
    static func sendable(_ pass: [GenerateCommand]) -> ArraySlice<GenerateCommand> {
        var sent = pass[...]
        while let leader = sent.first {
            let order = EngineOrder.generate(leader, companions: Array(sent.dropFirst()))
            if FrameCodec.frame(order) != nil { break }
            sent = sent.dropLast()
        }
        return sent
    }
}
