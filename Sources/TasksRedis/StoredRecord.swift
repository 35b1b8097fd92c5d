import Tasks

/// Something that is kept under one key, with what the indexes say of it.
///
/// Stored as a version of the form, eight bytes that are new with every write, and the record itself: whether it has
/// changed since it was read is seen by the first nine bytes.
protocol StoredRecord: Sendable {
    /// The key, without the prefix of the store.
    var name: Bytes { get }

    /// What can be found by it; what changes with the record is brought up to date with it.
    var indexes: Set<IndexEntry> { get }

    /// Reads what `write` has written.
    init(named name: Bytes, _ reader: inout RecordReader) throws

    func write(_ writer: inout RecordWriter)

    /// What happens with this write.
    var newEvents: [StoredEvent] { get }
}

extension StoredRecord {
    var newEvents: [StoredEvent] { [] }
}

/// An event as it is kept with its task.
struct StoredEvent: Sendable, Equatable {
    /// 0 until it is written.
    var sequence: Int64 = 0
    var kind: TaskEvent.Kind
    var at: Timestamp
}

enum RecordForm {
    /// A newer version can add fields at the end without another number.
    static let version: UInt8 = 1
    static let headerBytes = 9

    /// What is in front of a record that is written now.
    static func header() -> Bytes {
        [version] + UInt64.random(in: .min ... .max).bytes
    }

    /// Reads a stored record.
    static func read<Record: StoredRecord>(
        _ type: Record.Type,
        named name: Bytes,
        _ bytes: Bytes,
        requests: RequestCache
    ) throws -> Record {
        guard bytes.count >= headerBytes else { throw DamagedRecord.short }
        guard bytes[0] == version else {
            throw DamagedRecord(reason: "it is of version \(bytes[0]), which this server does not know")
        }
        var reader = RecordReader(bytes.dropFirst(headerBytes), requests: requests)
        return try Record(named: name, &reader)
    }
}

/// One thing that an index says of a record.
enum IndexEntry: Hashable, Sendable {
    /// A member of a set.
    case member(Bytes, Bytes)
    /// A member of a sorted set.
    case scored(Bytes, Bytes, Int64)
    /// So much in a counter, a field of a hash.
    case count(Bytes, Bytes, Int64)
    /// A value that only one record has at a time.
    case value(Bytes, Bytes)

    /// Whether to add this is to take another away: the same member of the same sorted set, with another score.
    func replaces(_ other: IndexEntry) -> Bool {
        guard case .scored(let set, let member, _) = self, case .scored(set, member, _) = other else { return false }
        return true
    }
}
