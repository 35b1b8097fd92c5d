import Logging
import Redis

/// Reads what is told about one topic, and goes on where it was after a connection was lost.
struct TopicReader: Sendable {
    /// Messages that nobody has taken yet; of more, the oldest are missed.
    static let limit = 10_000
    /// Messages in a reply: a largest one of each fits into a reply.
    private static let batch = 64
    /// How long the server waits for something to say.
    private static let wait = Duration.seconds(5)

    let commands: any RedisCommands
    let key: String
    let backoff: RedisBackoff
    let logger: Logger
    let continuation: AsyncStream<[UInt8]>.Continuation

    /// Reads until the task is cancelled.
    func run() async {
        var last = StreamID.zero
        var failures = 0
        while !Task.isCancelled {
            do throws(RedisError) {
                if failures > 0 { last = try await resumption(at: last) }
                try await readOn(&last)
                failures = 0
            } catch {
                failures += 1
                if failures == 2 {
                    logger.warning("messages cannot be read", metadata: ["topic": "\(key)", "reason": "\(error)"])
                }
                try? await Task.sleep(for: backoff.delay(after: failures))
            }
        }
        continuation.finish()
    }

    private func readOn(_ last: inout StreamID) async throws(RedisError) {
        let command = RedisCommand(
            "XREAD", "COUNT", Self.batch, "BLOCK", Int(Self.wait.components.seconds * 1000), "STREAMS", key,
            last.description)
        let reply = try await commands.sendBlocking(command, patience: Self.wait * 3)
        // Nothing in all that time.
        guard let entries = reply.array?.first?.array?.last?.array else { return }
        for entry in entries {
            guard let parts = entry.array, parts.count == 2, let id = parts[0].text.flatMap(StreamID.init) else {
                throw .refused("an entry of a stream that is none")
            }
            last = id
            if let fields = parts[1].array, fields.count == 2, let message = fields[1].bytes {
                continuation.yield(message)
            }
        }
    }

    /// Where to go on: at the beginning, if the server has lost what was read and counts from an earlier time.
    private func resumption(at last: StreamID) async throws(RedisError) -> StreamID {
        let newest = try await commands.send(RedisCommand("XREVRANGE", key, "+", "-", "COUNT", 1))
        guard let id = newest.array?.first?.array?.first?.text.flatMap(StreamID.init) else { return .zero }
        return id < last ? .zero : last
    }
}

/// The id of an entry of a stream.
struct StreamID: Comparable, CustomStringConvertible {
    let time: UInt64
    let number: UInt64

    static let zero = StreamID(time: 0, number: 0)

    private init(time: UInt64, number: UInt64) {
        self.time = time
        self.number = number
    }

    /// As the server writes it: `1526919030474-55`.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = UInt64(parts[0]), let number = UInt64(parts[1]) else { return nil }
        self.init(time: time, number: number)
    }

    var description: String { "\(time)-\(number)" }

    static func < (lhs: StreamID, rhs: StreamID) -> Bool {
        (lhs.time, lhs.number) < (rhs.time, rhs.number)
    }
}
