package import Redis
import Tasks

/// What the bridge does with the broker and the backend, in kombu's and Celery's names.
package struct CeleryBroker: Sendable {
    /// Between the parts of names that kombu joins.
    static let separator = "\u{6}\u{16}"
    /// Where kombu puts priorities: each list has those from its number to the next.
    static let prioritySteps = [0, 3, 6, 9]
    /// Messages that are worked on at the same time.
    static let batch = 16
    /// Messages that are kept because they can never be carried out.
    static let maxDead = 1000
    /// How many ids are remembered as revoked, and for how long: as Celery's workers do.
    static let maxRevoked = 50_000
    static let revokedFor = Duration.seconds(10_800)

    private let broker: any RedisCommands
    private let backend: any RedisCommands
    private let settings: CelerySettings

    package init(broker: any RedisCommands, backend: any RedisCommands, settings: CelerySettings) {
        self.broker = broker
        self.backend = backend
        self.settings = settings
    }

    // MARK: Names

    private var prefix: String { "_animato.\(settings.queue)." }
    /// This bridge among the others: the end says which of them are on the same task store.
    private var bridge: String { settings.worker + store }
    private var store: String { "@" + settings.store }
    private var taken: String { prefix + "taken." + bridge }
    private var open: String { prefix + "open." + bridge }
    private var eta: String { prefix + "eta" }
    private var waiting: String { prefix + "waiting" }
    private var dead: String { prefix + "dead" }
    private var revoked: String { prefix + "revoked" }
    private var bridges: String { prefix + "bridges" }

    /// The mailbox of all workers.
    package static func mailbox(_ settings: CelerySettings) -> String { "/\(settings.database).celery.pidbox" }

    private var queues: [String] {
        Self.prioritySteps.map { $0 == 0 ? settings.queue : settings.queue + Self.separator + String($0) }
    }

    // MARK: Messages

    /// Messages that this bridge has to decide upon, more of them taken if there is room.
    func take(now: Timestamp, limit: Int) async throws(RedisError) -> [[UInt8]] {
        let reply = try await BrokerScripts.take.run(
            on: broker,
            keys: [taken, eta, waiting] + queues,
            arguments: [limit, settings.maxMessageBytes, now.milliseconds]
        )
        return (reply.array ?? []).compactMap(\.bytes)
    }

    func accept(_ message: [UInt8], as task: OpenTask) async throws(RedisError) {
        _ = try await BrokerScripts.accept.run(
            on: broker, keys: [taken, open], arguments: [message, task.brief.id, task.bytes])
    }

    func delay(_ message: [UInt8], _ id: String, until eta: Timestamp) async throws(RedisError) {
        _ = try await BrokerScripts.delay.run(
            on: broker, keys: [taken, self.eta, waiting], arguments: [message, id, eta.milliseconds])
    }

    /// Takes a message that waits for its time; `nil` if none does.
    func undelay(_ id: String) async throws(RedisError) -> [UInt8]? {
        try await BrokerScripts.undelay.run(on: broker, keys: [eta, waiting], arguments: [id]).bytes
    }

    /// Lets go of a message that has been decided upon.
    func drop(_ message: [UInt8]) async throws(RedisError) {
        _ = try await broker.send(RedisCommand("LREM", taken, 0, message))
    }

    func bury(_ message: [UInt8]) async throws(RedisError) {
        _ = try await BrokerScripts.bury.run(on: broker, keys: [taken, dead], arguments: [message, Self.maxDead])
    }

    /// Some of the messages that wait for their time, the first first.
    func delayed(limit: Int) async throws(RedisError) -> [[UInt8]] {
        let ids = try await broker.send(RedisCommand("ZRANGE", eta, 0, limit - 1)).array ?? []
        guard !ids.isEmpty else { return [] }
        let names = [Array("HMGET".utf8), Array(waiting.utf8)] + ids.compactMap(\.bytes)
        return (try await broker.send(RedisCommand(names)).array ?? []).compactMap(\.bytes)
    }

    // MARK: Open tasks

    /// The tasks that this bridge follows.
    ///
    /// Pages of the hash, so that no reply is large.
    func openTasks() async throws(RedisError) -> [OpenTask] {
        var tasks: [OpenTask] = []
        var cursor = "0"
        repeat {
            let reply = try await broker.send(RedisCommand("HSCAN", open, cursor, "COUNT", 500)).array ?? []
            guard reply.count == 2, let next = reply[0].text, let parts = reply[1].array else { break }
            cursor = next
            for index in stride(from: 1, to: parts.count, by: 2) {
                if let task = parts[index].bytes.flatMap({ OpenTask($0) }) { tasks.append(task) }
            }
        } while cursor != "0"
        return tasks
    }

    func finish(_ id: String) async throws(RedisError) {
        _ = try await broker.send(RedisCommand("HDEL", open, id))
    }

    // MARK: Revoked

    func revoke(_ ids: [String], now: Timestamp) async throws(RedisError) {
        _ = try await BrokerScripts.revoke.run(
            on: broker,
            keys: [revoked],
            arguments: [now.milliseconds, Self.revokedFor.wholeMilliseconds, Self.maxRevoked] + ids
        )
    }

    func isRevoked(_ id: String) async throws(RedisError) -> Bool {
        !(try await broker.send(RedisCommand("ZSCORE", revoked, id)).isNull)
    }

    /// Some ids that are revoked, the newest first.
    func revokedIDs(limit: Int) async throws(RedisError) -> [String] {
        (try await broker.send(RedisCommand("ZREVRANGE", revoked, 0, limit - 1)).array ?? []).compactMap(\.text)
    }

    // MARK: Other bridges, monitors and clients

    /// Gives a sign of life.
    ///
    /// - Returns: whether something of another bridge is this one's now.
    func live() async throws(RedisError) -> Bool {
        let reply = try await BrokerScripts.live.run(
            on: broker,
            keys: [bridges, taken, open],
            arguments: [
                bridge, settings.takeoverAfter.wholeMilliseconds, prefix + "taken.", prefix + "open.", store,
            ]
        )
        return (reply.integer ?? 0) > 0
    }

    /// Lets the others take over at once.
    func leave() async throws(RedisError) {
        _ = try await broker.send(RedisCommand("ZADD", bridges, 0, bridge))
    }

    func publish(_ event: KombuEnvelope, routingKey: String) async throws(RedisError) {
        _ = try await broker.send(
            RedisCommand("PUBLISH", "/\(settings.database).celeryev/\(routingKey)", event.bytes))
    }

    func answer(_ reply: CeleryCommand.Reply, _ message: KombuEnvelope) async throws(RedisError) {
        _ = try await BrokerScripts.reply.run(
            on: broker, keys: ["_kombu.binding.\(reply.exchange)"], arguments: [reply.routingKey, message.bytes])
    }

    /// Keeps a record and publishes it.
    ///
    /// - Parameters:
    ///   - record: what to keep.
    ///   - brief: of which task.
    ///   - place: in whose place it may come.
    /// - Throws: if the backend does not answer.
    func record(_ record: CeleryRecord, of brief: CeleryBrief, _ place: RecordPlace) async throws(RedisError) {
        guard !brief.ignoresResult else { return }
        _ = try await BrokerScripts.record.run(
            on: backend,
            keys: ["celery-task-meta-\(brief.id)"],
            arguments: [
                record.bytes(of: brief, worker: settings.worker, queue: settings.queue),
                max(1, settings.resultExpires.components.seconds), place.rawValue,
            ]
        )
    }
}

/// In the place of which record another may come.
enum RecordPlace: String {
    /// Of any.
    case always
    /// Of any but one of an end.
    case open
    /// Of none.
    case absent
}
