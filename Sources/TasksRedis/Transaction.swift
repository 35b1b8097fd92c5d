import Foundation
import Redis
import Tasks

/// What a transaction was based on is not so any more.
struct ConflictError: Error {
    /// The last entry of the log by then.
    var logNumber: Int64
}

/// One transaction in the making: what was read, what is decided from it, and what is to be written.
///
/// Used by one caller. Nothing is written before `commit`, and then everything or nothing: nothing if a record that was
/// read has changed since.
final class Transaction {
    /// A record that was read or is new.
    struct Tracked {
        /// Its first bytes as they were; none: it was not there.
        var header: Bytes
        var original: (any StoredRecord)?
        var current: (any StoredRecord)?
        var isChanged = false
    }

    let database: StoreDatabase
    /// The store's time; one for the whole transaction.
    let now: Timestamp
    var log = LogEntry()
    /// Keys that a generation answers from now on, by this transaction.
    var answeredKeys: Set<GenerationKey> = []
    /// Numbers of deliveries that were taken and not given yet.
    var deliveryNumbers: [Int64] = []
    private(set) var tracked: [Bytes: Tracked] = [:]
    private(set) var order: [Bytes] = []
    /// Conditions beside those of the records.
    private(set) var conditions: [Bytes] = []
    /// Changes beside those of the records.
    private(set) var changes: [Bytes] = []
    private var hasChanges = false

    init(_ database: StoreDatabase, now: Timestamp) {
        self.database = database
        self.now = now
    }

    var isChanged: Bool { hasChanges || tracked.values.contains(where: \.isChanged) }

    // MARK: Records

    /// Takes over what was read under a name; what is known already stays as it is here.
    func note<Record: StoredRecord>(_ type: Record.Type, _ name: Bytes, _ reply: RESPValue) throws -> Record? {
        if let known = tracked[name] { return known.current as? Record }
        guard let bytes = reply.bytes else {
            track(name, Tracked(header: [], original: nil, current: nil))
            return nil
        }
        let record = try RecordForm.read(type, named: name, bytes, requests: database.requests)
        track(name, Tracked(header: Bytes(bytes.prefix(RecordForm.headerBytes)), original: record, current: record))
        return record
    }

    /// Takes over a value that is no record.
    func noteValue(_ name: Bytes, _ reply: RESPValue) -> Bytes? {
        let bytes = reply.bytes
        if tracked[name] == nil { track(name, Tracked(header: bytes ?? [], original: nil, current: nil)) }
        return bytes
    }

    private func track(_ name: Bytes, _ record: Tracked) {
        tracked[name] = record
        order.append(name)
    }

    /// A record, as it will be.
    func record<Record: StoredRecord>(_ type: Record.Type, _ name: Bytes) async throws -> Record? {
        if let known = tracked[name] { return known.current as? Record }
        return try note(type, name, try await database.look([.record(name)]).first ?? .null)
    }

    /// Writes a record that was read, or that is known to be new.
    func write(_ record: some StoredRecord) {
        let name = record.name
        if tracked[name] == nil { track(name, Tracked(header: [], original: nil, current: nil)) }
        tracked[name]?.current = record
        tracked[name]?.isChanged = true
    }

    /// Removes a record that was read.
    func delete(_ name: Bytes) {
        tracked[name]?.current = nil
        tracked[name]?.isChanged = true
    }

    // MARK: Conditions and changes

    private func require(_ words: Bytes...) { conditions += words }

    private func change(_ words: Bytes...) {
        changes += words
        hasChanges = true
    }

    private static func text(_ number: Int64) -> Bytes { Bytes(String(number).utf8) }

    private static func letter(_ letter: String) -> Bytes { Bytes(letter.utf8) }

    /// A set must have so many members.
    func requireCount(of set: Bytes, _ count: Int) { require(Self.letter("s"), set, Self.text(Int64(count))) }

    /// A sorted set must have so many members that begin like this.
    func requireCount(in set: Bytes, beginningWith start: Bytes, _ count: Int) {
        require(Self.letter("y"), set, start, Self.text(Int64(count)))
    }

    /// A sorted set must have fewer members than this.
    func requireRoom(in set: Bytes, below limit: Int) { require(Self.letter("c"), set, Self.text(Int64(limit))) }

    /// A field of a hash must be a number below this.
    func requireRoom(in hash: Bytes, _ field: Bytes, below limit: Int) {
        require(Self.letter("l"), hash, field, Self.text(Int64(limit)))
    }

    /// A field of a hash must be as it was.
    func requireField(_ hash: Bytes, _ field: Bytes, _ value: Bytes) {
        require(Self.letter("h"), hash, field, value)
    }

    /// Two fields together must be no more than this.
    func requireSum(_ one: (hash: Bytes, field: Bytes), _ two: (hash: Bytes, field: Bytes), atMost bound: Int64) {
        require(Self.letter("m"), one.hash, one.field, two.hash, two.field, Self.text(bound))
    }

    func add(_ amount: Int64, to hash: Bytes, _ field: Bytes) {
        change(Self.letter("H"), hash, field, Self.text(amount))
    }

    func set(_ hash: Bytes, _ field: Bytes, to value: Int64?) {
        if let value {
            change(Self.letter("F"), hash, field, Self.text(value))
        } else {
            change(Self.letter("f"), hash, field)
        }
    }

    func add(_ member: Bytes, to set: Bytes, score: Int64) {
        change(Self.letter("Z"), set, Self.text(score), member)
    }

    func remove(_ member: Bytes, from set: Bytes) { change(Self.letter("z"), set, member) }

    func removeKey(_ name: Bytes) { change(Self.letter("D"), name) }

    func removeEvent(_ sequence: Int64) { change(Self.letter("x"), Names.events, Bytes("\(sequence)-0".utf8)) }

    /// Removes what a stream has below a number.
    func trim(_ stream: Bytes, below number: Int64) {
        change(Self.letter("T"), stream, Self.text(number))
    }

    func replaceValue(_ name: Bytes, with value: Int64) {
        change(Self.letter("S"), name, Self.text(value))
    }

    /// Brings a receiver's turn up to date once everything else is written.
    private(set) var receivers: Set<Bytes> = []

    func settle(_ receiver: String) {
        receivers.insert(Bytes(receiver.utf8))
        hasChanges = true
    }
}
