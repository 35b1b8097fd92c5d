import NIOCore
import Synchronization

/// One connection: what is sent on it is answered in order, and what is sent meanwhile shares round trips.
final class RedisConnection: Sendable {
    private let channel: any Channel
    private let limits: Limits
    private let state = Mutex(State())
    /// Called once, when the connection is over, with the reason.
    private let onEnd: @Sendable (RedisConnection, String) -> Void
    /// Called with how many wait for a reply, once a round.
    private let onTraffic: @Sendable (Int) -> Void

    struct Limits: Sendable {
        var commands: Int
        var bytes: Int
    }

    private typealias Answer = Result<RESPValue, RedisError>

    private struct Waiting {
        let continuation: CheckedContinuation<Answer, Never>
        let deadline: NIODeadline
        let bytes: Int
    }

    private struct State {
        /// Those without a reply, in the order in which they were sent.
        var waiting = CircularBuffer<Waiting>()
        /// Of all of them.
        var bytes = 0
        /// What is written at the end of this turn of the loop: the commands of the last `unsent` that wait.
        var outgoing = ByteBuffer()
        var unsent = 0
        /// The earliest time at which deadlines are looked at.
        var watch: NIODeadline?
        /// Why it is over.
        var end: String?

        /// Puts a command among those that are written next.
        ///
        /// - Returns: whether it is the first of them.
        mutating func take(
            _ command: RedisCommand,
            _ continuation: CheckedContinuation<Answer, Never>,
            _ deadline: NIODeadline,
            _ limits: Limits
        ) -> Result<Bool, RedisError> {
            if let end { return .failure(.unavailable(end)) }
            let size = command.encodedSize
            guard waiting.count < limits.commands, bytes + size <= limits.bytes else { return .failure(.overloaded) }
            command.encode(into: &outgoing)
            waiting.append(Waiting(continuation: continuation, deadline: deadline, bytes: size))
            bytes += size
            unsent += 1
            return .success(unsent == 1)
        }
    }

    init(
        _ channel: any Channel,
        limits: Limits,
        onEnd: @escaping @Sendable (RedisConnection, String) -> Void,
        onTraffic: @escaping @Sendable (Int) -> Void
    ) {
        self.channel = channel
        self.limits = limits
        self.onEnd = onEnd
        self.onTraffic = onTraffic
    }

    /// Why it is over, if it is.
    var end: String? { state.withLock { $0.end } }

    /// Sends a command.
    ///
    /// - Parameters:
    ///   - command: what to send.
    ///   - patience: if there is no reply by then, the connection is over. Not shorter than that of those before it.
    /// - Returns: the reply, errors of the server included.
    /// - Throws: `unavailable`: it was not sent; `outcomeUnknown`; `overloaded`.
    func send(_ command: RedisCommand, patience: Duration) async throws(RedisError) -> RESPValue {
        let deadline = NIODeadline.now() + TimeAmount(patience)
        let answer = await withCheckedContinuation { continuation in
            switch state.withLock({ $0.take(command, continuation, deadline, limits) }) {
            case .failure(let error): continuation.resume(returning: .failure(error))
            case .success(let isFirst): if isFirst { channel.eventLoop.execute { self.flush() } }
            }
        }
        return try answer.get()
    }

    /// Ends the connection: nobody waits on it any longer.
    func finish(_ reason: String) {
        let ended = state.withLock { state -> (sent: [Waiting], unsent: [Waiting])? in
            guard state.end == nil else { return nil }
            state.end = reason
            let unsent = Array(state.waiting.suffix(state.unsent))
            let sent = Array(state.waiting.dropLast(state.unsent))
            state.waiting.removeAll()
            state.outgoing = ByteBuffer()
            state.unsent = 0
            return (sent, unsent)
        }
        guard let ended else { return }
        onEnd(self, reason)
        channel.close(promise: nil)
        for waiting in ended.sent { waiting.continuation.resume(returning: .failure(.outcomeUnknown(reason))) }
        for waiting in ended.unsent { waiting.continuation.resume(returning: .failure(.unavailable(reason))) }
    }

    /// Waits until the socket is closed.
    func closed() async {
        // That it is closed by an error is an end like any other.
        try? await channel.closeFuture.get()
    }

    // MARK: On the event loop

    /// Gives the replies that came together to those that wait for them.
    func received(_ replies: [RESPValue]) {
        let (answered, left, isTooMuch) = state.withLock { state in
            let count = min(replies.count, state.waiting.count - state.unsent)
            let answered = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.bytes -= answered.reduce(0) { $0 + $1.bytes }
            return (answered, state.waiting.count, count < replies.count && state.end == nil)
        }
        onTraffic(left)
        for (waiting, reply) in zip(answered, replies) { waiting.continuation.resume(returning: .success(reply)) }
        if isTooMuch { finish("the server said what nobody asked for") }
    }

    /// Writes what was gathered since the last time.
    private func flush() {
        let (outgoing, waiting) = state.withLock { state in
            let outgoing = state.outgoing
            state.outgoing = ByteBuffer()
            state.unsent = 0
            return (outgoing, state.waiting.count)
        }
        guard outgoing.readableBytes > 0 else { return }
        channel.writeAndFlush(outgoing, promise: nil)
        onTraffic(waiting)
        watch()
    }

    /// Ends the connection if the first that waits has waited too long, else looks again when it will have.
    private func watch() {
        let now = NIODeadline.now()
        let (isOver, next) = state.withLock { state -> (Bool, NIODeadline?) in
            if let watch = state.watch, watch <= now { state.watch = nil }
            guard let first = state.waiting.first?.deadline else { return (false, nil) }
            guard first > now else { return (true, nil) }
            guard first < state.watch ?? .distantFuture else { return (false, nil) }
            state.watch = first
            return (false, first)
        }
        if isOver { return finish("the server did not answer in time") }
        if let next { channel.eventLoop.scheduleTask(deadline: next) { self.watch() } }
    }
}
