import Redis
import Synchronization
import Tasks

/// The Redis of one store: its scripts, under its prefix.
final class StoreDatabase: Sendable {
    /// What `RedisScript.look` can look for.
    enum Lookup: Sendable {
        case record(Bytes)
        case task(TaskID)
        case answer(GenerationKey)
        case waiting(GenerationID)
        case taskWaiting(TaskID)
        case delivery(Int64)
        case video(String)
        case firstOfVideo(String)
        case field(Bytes, Bytes)
        case count(Bytes)
        case next(Bytes)

        var words: [Bytes] {
            let (letter, name): (String, Bytes) =
                switch self {
                case .record(let name): ("g", name)
                case .task(let id): ("t", Bytes(id.bytes))
                case .answer(let key): ("a", Bytes(key.rawValue.utf8))
                case .waiting(let id): ("w", id.bytes)
                case .taskWaiting(let id): ("c", Bytes(id.bytes))
                case .delivery(let number): ("d", number.bytes)
                case .video(let name): ("v", Names.hash(name))
                case .firstOfVideo(let name): ("f", Names.hash(name))
                case .field(let hash, let field): ("h", hash + field)
                case .count(let set): ("n", set)
                case .next(let counter): ("i", counter)
                }
            return [Bytes(letter.utf8), name]
        }
    }

    /// What became of a transaction.
    struct Committed: Sendable {
        /// The last entry of the log by then.
        var logNumber: Int64
        /// The events of the transaction have the numbers after this one.
        var eventBase: Int64
    }

    /// How often a command is repeated whose fate is unknown, or that found no connection.
    private static let repetitions = 3

    let redis: any RedisCommands
    let prefix: Bytes
    let requests = RequestCache()
    /// Of this process.
    let origin: Bytes
    private let logEntries: Int

    init(_ redis: any RedisCommands, settings: RedisStoreSettings) {
        self.redis = redis
        prefix = Bytes("{\(settings.prefix)}:".utf8)
        origin = UInt64.random(in: .min ... .max).bytes
        logEntries = settings.logEntries
    }

    func key(_ name: Bytes) -> Bytes { prefix + name }

    /// Sends a command that only reads.
    func read(_ name: String, _ arguments: [Bytes]) async throws -> RESPValue {
        try await again { try await self.redis.send(RedisCommand([Bytes(name.utf8)] + arguments)) }
    }

    /// Runs a script that changes nothing, or nothing that matters twice.
    func run(_ script: RedisScript, _ arguments: [Bytes]) async throws -> RESPValue {
        try await again { try await script.run(on: self.redis, keys: [self.prefix], arguments: arguments) }
    }

    /// Looks at several things at one moment, each in its place of the reply.
    func look(_ lookups: [Lookup]) async throws -> [RESPValue] {
        guard !lookups.isEmpty else { return [] }
        let reply = try await run(.look, lookups.flatMap(\.words))
        guard let values = reply.array, values.count == lookups.count else {
            throw DamagedRecord(reason: "Redis gave an answer of another form")
        }
        return values
    }

    /// Makes the changes of a transaction.
    ///
    /// Where it is not known whether they were made, the same transaction is asked for again: if they were, it is not
    /// made twice.
    ///
    /// - Throws: `ConflictError` if something has changed since it was read.
    func commit(_ transaction: Transaction) async throws -> Committed {
        let name = UInt64.random(in: .min ... .max).bytes + UInt64.random(in: .min ... .max).bytes
        let reply = try await run(
            .commit,
            CommitWriter.arguments(of: transaction, name: name, origin: origin, logEntries: logEntries)
        )
        guard let numbers = reply.array?.map(\.integer), numbers.count == 3, let number = numbers[1] else {
            throw DamagedRecord(reason: "Redis gave an answer of another form")
        }
        guard numbers[0] == 1 else { throw ConflictError(logNumber: number) }
        return Committed(logNumber: number, eventBase: numbers[2] ?? 0)
    }

    private func again(_ body: () async throws -> RESPValue) async throws -> RESPValue {
        var attempt = 1
        while true {
            do {
                return try await body()
            } catch RedisError.outcomeUnknown(let reason) {
                guard attempt < Self.repetitions else { throw RedisError.outcomeUnknown(reason) }
                attempt += 1
            }
        }
    }
}
