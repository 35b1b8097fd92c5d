import Synchronization

/// The state of an engine, and everyone who follows it.
///
/// Followers are told under no lock. Whoever ends the stream of a follower holds the lock of that task's status while it
/// waits for the one here, and to resume the task takes the same lock of the status: told under the lock, the two would
/// wait for each other for ever.
package final class EngineStateBoard: Sendable {
    private struct Follower {
        let stream: AsyncStream<EngineState>.Continuation
        /// What it was told last.
        var told: EngineState
    }

    private struct Board {
        var state: EngineState
        var followers: [Int: Follower] = [:]
        var nextFollower = 0
        /// Whether somebody is telling, who will tell what is noted meanwhile as well.
        var isTelling = false

        /// Those who have not been told the state, from now on counted as told; ends the telling if there are none.
        mutating func takeUntold() -> (state: EngineState, streams: [AsyncStream<EngineState>.Continuation])? {
            let untold = followers.filter { $0.value.told != state }
            isTelling = !untold.isEmpty
            guard isTelling else { return nil }
            for number in untold.keys { followers[number]?.told = state }
            if state == .stopped { followers = [:] }
            return (state, untold.values.map(\.stream))
        }
    }

    private let board: Mutex<Board>

    package init(_ state: EngineState) {
        board = Mutex(Board(state: state))
    }

    /// The newest state.
    package var state: EngineState {
        board.withLock { $0.state }
    }

    /// Sets a new state and shows it to everyone; `stopped` ends all streams.
    ///
    /// States after `stopped` count for nothing.
    package func publish(_ state: EngineState) {
        note(state)
        tell()
    }

    /// Sets a new state, for callers that hold a lock; without it they `tell()`.
    package func note(_ state: EngineState) {
        board.withLock { board in
            if board.state != .stopped { board.state = state }
        }
    }

    /// Shows the newest state to everyone who has not seen it, unless another thread is at that already.
    ///
    /// To be called under no lock that the cancellation of a follower might wait for.
    package func tell() {
        let isOthers = board.withLock { board in
            defer { board.isTelling = true }
            return board.isTelling
        }
        guard !isOthers else { return }
        while let (state, streams) = board.withLock({ $0.takeUntold() }) {
            for stream in streams {
                stream.yield(state)
                if state == .stopped { stream.finish() }
            }
        }
    }

    /// The state now and each later one.
    ///
    /// A slow reader sees the newest, not every one. Ends after `stopped`.
    package func states() -> AsyncStream<EngineState> {
        let (stream, continuation) = AsyncStream.makeStream(of: EngineState.self, bufferingPolicy: .bufferingNewest(1))
        let number = board.withLock { board -> Int? in
            // Nobody reads it yet, so that nobody is resumed.
            continuation.yield(board.state)
            guard board.state != .stopped else { return nil }
            board.nextFollower += 1
            board.followers[board.nextFollower] = Follower(stream: continuation, told: board.state)
            return board.nextFollower
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.board.withLock { $0.followers[number] = nil }
        }
        return stream
    }
}
