package import Logging
package import Redis
import Synchronization
package import Tasks

/// What the processes of a deployment say to each other, in Redis and by its clock.
package final class RedisCoordination: Coordination {
    /// A message, or a report of a member.
    private static let largest = 1 << 20

    private let commands: any RedisCommands
    private let prefix: String
    private let backoff: RedisBackoff
    private let logger: Logger
    private let readers = Mutex(Readers())

    private struct Readers {
        var isClosed = false
        var next = 0
        var tasks: [Int: Task<Void, Never>] = [:]
    }

    /// - Parameters:
    ///   - commands: the server; each reader of messages has a connection of its own there.
    ///   - settings: whose prefix the keys have.
    ///   - backoff: between attempts to read on when that failed.
    ///   - logger: hears of readers that cannot read.
    package init(
        _ commands: any RedisCommands,
        settings: RedisStoreSettings,
        backoff: RedisBackoff = RedisBackoff(),
        logger: Logger
    ) {
        self.commands = commands
        prefix = "{\(settings.prefix)}:co:"
        self.backoff = backoff
        self.logger = logger
    }

    /// Ends all streams of messages.
    package func close() async {
        let tasks = readers.withLock { readers in
            readers.isClosed = true
            return readers.tasks
        }
        for task in tasks.values { task.cancel() }
        for task in tasks.values { await task.value }
    }

    // MARK: Members

    package func announce(_ member: Member, for lifetime: Duration) async throws(TaskStoreError) {
        guard member.report.count <= Self.largest else { throw .unavailable("a report of more than 1 MiB") }
        _ = try await run(
            CoordinationScripts.announce,
            [prefix + "members", prefix + "ends"],
            [member.id.rawValue, member.report, lifetime.atLeastOneMillisecond]
        )
    }

    package func withdraw(_ id: WorkerID) async throws(TaskStoreError) {
        _ = try await run(CoordinationScripts.withdraw, [prefix + "members", prefix + "ends"], [id.rawValue])
    }

    package func members() async throws(TaskStoreError) -> [Member] {
        let reply = try await run(CoordinationScripts.members, [prefix + "members", prefix + "ends"], [])
        let parts = reply.array ?? []
        return stride(from: 0, to: parts.count - 1, by: 2).compactMap { index in
            guard let id = parts[index].text, let report = parts[index + 1].bytes else { return nil }
            return Member(id: WorkerID(rawValue: id), report: report)
        }.sorted { $0.id.rawValue < $1.id.rawValue }
    }

    // MARK: Duties and agreements

    package func lead(
        _ duty: String,
        as id: WorkerID,
        for duration: Duration
    ) async throws(TaskStoreError) -> Bool {
        let reply = try await run(
            CoordinationScripts.lead, ["\(prefix)duty:\(duty)"], [id.rawValue, duration.atLeastOneMillisecond])
        return reply.integer == 1
    }

    package func agree(on name: String, proposing value: [UInt8]) async throws(TaskStoreError) -> [UInt8] {
        let reply = try await run(CoordinationScripts.agree, ["\(prefix)agreed:\(name)"], [value])
        guard let agreed = reply.bytes else { throw .unavailable("a script answered what it does not know") }
        return agreed
    }

    // MARK: Messages

    package func post(_ message: [UInt8], to topic: String, keeping: Int) async throws(TaskStoreError) {
        guard message.count <= Self.largest else { throw .unavailable("a message of more than 1 MiB") }
        _ = try await run(CoordinationScripts.post, [key(of: topic)], [message, max(0, keeping)])
    }

    package func messages(of topic: String) -> AsyncStream<[UInt8]> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingNewest(TopicReader.limit))
        let reader = TopicReader(
            commands: commands, key: key(of: topic), backoff: backoff, logger: logger, continuation: continuation)
        readers.withLock { readers in
            guard !readers.isClosed else { return continuation.finish() }
            let number = readers.next
            readers.next += 1
            // Ended by its reader's leaving or by `close()`, which waits for it.
            let task = Task { [weak self] in
                await reader.run()
                self?.forget(number)
            }
            readers.tasks[number] = task
            continuation.onTermination = { _ in task.cancel() }
        }
        return stream
    }

    private func forget(_ number: Int) {
        _ = readers.withLock { $0.tasks.removeValue(forKey: number) }
    }

    private func key(of topic: String) -> String { "\(prefix)topic:\(topic)" }

    private func run(
        _ script: RedisScript,
        _ keys: [any RedisArgument],
        _ arguments: [any RedisArgument]
    ) async throws(TaskStoreError) -> RESPValue {
        do throws(RedisError) {
            return try await script.run(on: commands, keys: keys, arguments: arguments)
        } catch {
            throw TaskStoreError(error)
        }
    }
}

extension Duration {
    /// Milliseconds, as the server counts; none would be for ever, or an error.
    fileprivate var atLeastOneMillisecond: Int64 { max(1, wholeMilliseconds) }
}
