import Redis
import Synchronization
import TestSupport

/// A client whose connection ends at any moment: before a command, or between the command and its reply.
final class LossyCommands: RedisCommands {
    private let inner: any RedisCommands
    private let state: Mutex<SeededGenerator>
    /// How many of a hundred commands are lost, and of as many more the replies.
    private let percent: Int

    init(_ inner: any RedisCommands, percent: Int, seed: UInt64) {
        self.inner = inner
        self.percent = percent
        state = Mutex(SeededGenerator(seed: seed))
    }

    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        let dice = state.withLock { Int.random(in: 0..<100, using: &$0) }
        if dice < percent { throw .outcomeUnknown("lost on the way") }
        let reply = try await inner.send(command)
        if dice < 2 * percent { throw .outcomeUnknown("the reply was lost") }
        return reply
    }

    func sendBlocking(_ command: RedisCommand, patience: Duration) async throws(RedisError) -> RESPValue {
        let reply = try await inner.sendBlocking(command, patience: patience)
        let dice = state.withLock { Int.random(in: 0..<100, using: &$0) }
        if dice < percent { throw .outcomeUnknown("the reply was lost") }
        return reply
    }
}
