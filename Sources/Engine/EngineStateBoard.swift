import Synchronization

/// The state of an engine, and everyone who follows it.
package final class EngineStateBoard: Sendable {
    private struct Board {
        var state: EngineState
        var followers: [Int: AsyncStream<EngineState>.Continuation] = [:]
        var nextFollower = 0
    }

    private let board: Mutex<Board>

    package init(_ state: EngineState) {
        board = Mutex(Board(state: state))
    }

    /// The newest state.
    package var state: EngineState {
        board.withLock { $0.state }
    }

    /// Shows a new state to everyone; `stopped` ends all streams.
    ///
    /// States after `stopped` are not shown.
    package func publish(_ state: EngineState) {
        let finished = board.withLock { board -> [AsyncStream<EngineState>.Continuation] in
            guard board.state != .stopped, board.state != state else { return [] }
            board.state = state
            for follower in board.followers.values {
                follower.yield(state)
            }
            guard state == .stopped else { return [] }
            defer { board.followers = [:] }
            return Array(board.followers.values)
        }
        // Outside the lock: it runs the handler below.
        finished.forEach { $0.finish() }
    }

    /// The state now and each later one.
    ///
    /// A slow reader sees the newest, not every one. Ends after `stopped`.
    package func states() -> AsyncStream<EngineState> {
        let (stream, follower) = AsyncStream.makeStream(of: EngineState.self, bufferingPolicy: .bufferingNewest(1))
        let number = board.withLock { board -> Int? in
            follower.yield(board.state)
            guard board.state != .stopped else { return nil }
            board.nextFollower += 1
            board.followers[board.nextFollower] = follower
            return board.nextFollower
        }
        guard let number else {
            follower.finish()
            return stream
        }
        follower.onTermination = { [weak self] _ in
            self?.board.withLock { $0.followers[number] = nil }
        }
        return stream
    }
}
