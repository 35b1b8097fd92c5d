import Foundation
import Tasks

/// A task as it is kept, with its events.
struct TaskRecord: StoredRecord {
    /// Its generation's id is in front of the record, so that a script finds the generation.
    static let generationBytes = 8

    var id: TaskID
    var tenant: TenantID
    var generation: GenerationID
    var status: TaskStatus
    var isCached: Bool
    var createdAt: Timestamp
    var finishedAt: Timestamp?
    var removedAt: Timestamp?
    var callback: Callback?
    var accessKey: KeyID?
    var remixedFrom: TaskID?
    var trace: TraceContext?
    /// The deliveries that wait or are under way, the first to be sent first.
    var pending: [Int64] = []
    /// The last delivery of its progress.
    var lastProgress: Int64?
    /// Those that were written, the oldest first.
    var events: [StoredEvent] = []
    var newEvents: [StoredEvent] = []

    var name: Bytes { Names.task(id) }

    var indexes: Set<IndexEntry> {
        let (member, owner) = (Bytes(id.bytes), Bytes(tenant.rawValue.utf8))
        var entries: Set<IndexEntry> = [.count(Names.uses, generation.bytes, 1)]
        if let removedAt {
            if pending.isEmpty { entries.insert(.scored(Names.removed, member, removedAt.milliseconds)) }
            return entries
        }
        entries.insert(.scored(Names.tasks(status), member, 0))
        entries.insert(.scored(Names.tasks(of: tenant, status), member, 0))
        if let finishedAt, pending.isEmpty {
            entries.insert(.scored(Names.finished, member, finishedAt.milliseconds))
        }
        switch status {
        case .queued: entries.insert(.count(Names.waitingTasks, owner, 1))
        case .running: entries.insert(.count(Names.runningTasks, owner, 1))
        case .succeeded: entries.insert(.count(Names.owners, Names.owner(tenant, of: generation), 1))
        case .failed, .cancelled: break
        }
        if !status.isTerminal { entries.insert(.member(Names.waiters(generation), member)) }
        return entries
    }

    func task(_ generation: Generation) -> GenerationTask {
        GenerationTask(
            id: id,
            tenant: tenant,
            status: status,
            isCached: isCached,
            createdAt: createdAt,
            finishedAt: finishedAt,
            callback: callback,
            accessKey: accessKey,
            remixedFrom: remixedFrom,
            trace: trace,
            generation: generation
        )
    }

    init(_ new: NewTask, generation: Generation, isCached: Bool, at now: Timestamp) {
        id = new.id
        tenant = new.tenant
        self.generation = generation.id
        status = generation.status
        self.isCached = isCached
        createdAt = now
        finishedAt = isCached ? now : nil
        callback = new.callback
        accessKey = new.accessKey
        remixedFrom = new.remixedFrom
        trace = new.trace
    }

    init(named name: Bytes, _ reader: inout RecordReader) throws {
        guard let id = TaskID(bytes: .init(name.dropFirst(2))),
            let generation = GenerationID(bytes: try reader.raw(Self.generationBytes))
        else { throw DamagedRecord.short }
        self.id = id
        self.generation = generation
        var body = RecordReader(try reader.data(), requests: reader.requests)
        tenant = TenantID(rawValue: try body.string())
        status = try body.named(TaskStatus.self)
        isCached = try body.bool()
        createdAt = try body.timestamp()
        finishedAt = try body.optionalTimestamp()
        removedAt = try body.optionalTimestamp()
        callback = try body.optional { reader in
            Callback(
                url: CallbackURL(stored: try reader.string(), receiver: try reader.string()),
                events: Set(try reader.array { try $0.named(CallbackEvent.self) }),
                origin: try reader.string()
            )
        }
        accessKey = try body.optionalString().map(KeyID.init(rawValue:))
        remixedFrom = try body.optional { try $0.task() }
        trace = try body.optionalString().flatMap(TraceContext.init(text:))
        pending = try body.array { try $0.int64() }
        lastProgress = try body.optional { try $0.int64() }
        while !reader.isAtEnd { events.append(try Self.event(&reader)) }
    }

    func write(_ writer: inout RecordWriter) {
        writer.append(generation.bytes)
        var body = RecordWriter()
        body.put(tenant.rawValue)
        body.put(status.rawValue)
        body.put(isCached)
        body.put(createdAt)
        body.put(finishedAt)
        body.put(removedAt)
        body.put(callback) { writer, callback in
            writer.put(callback.url.text)
            writer.put(callback.url.receiver)
            writer.put(callback.events.sorted { $0.rawValue < $1.rawValue }) { $0.put($1.rawValue) }
            writer.put(callback.origin)
        }
        body.put(accessKey?.rawValue)
        body.put(remixedFrom) { $0.put($1) }
        body.put(trace?.text)
        body.put(pending) { $0.put($1) }
        body.put(lastProgress) { $0.put($1) }
        writer.put(body.bytes)
        for event in events { writer.append(event.sequence.bytes + Self.tail(of: event)) }
    }

    // MARK: Events

    /// What follows the sequence number of an event: seventeen bytes in all.
    static func tail(of event: StoredEvent) -> Bytes {
        [letter(of: event.kind)] + event.at.milliseconds.bytes
    }

    private static func event(_ reader: inout RecordReader) throws -> StoredEvent {
        let sequence = try reader.raw(8).reduce(0) { $0 << 8 | Int64($1) }
        return try event(sequence: sequence, tail: reader.raw(9))
    }

    /// Reads what `tail` has written.
    static func event(sequence: Int64, tail: ArraySlice<UInt8>) throws -> StoredEvent {
        guard tail.count >= 9, let first = tail.first,
            let kind = TaskEvent.Kind.allCases.first(where: { letter(of: $0) == first })
        else { throw DamagedRecord(reason: "it has an unknown event") }
        let at = tail.dropFirst().prefix(8).reduce(0) { $0 << 8 | Int64($1) }
        return StoredEvent(sequence: sequence, kind: kind, at: Timestamp(milliseconds: at))
    }

    private static func letter(of kind: TaskEvent.Kind) -> UInt8 {
        switch kind {
        case .queued: UInt8(ascii: "q")
        case .running: UInt8(ascii: "r")
        case .requeued: UInt8(ascii: "b")
        case .succeeded: UInt8(ascii: "s")
        case .failed: UInt8(ascii: "f")
        case .cancelled: UInt8(ascii: "c")
        }
    }
}
