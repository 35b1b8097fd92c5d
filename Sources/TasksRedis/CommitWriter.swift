import Redis
import Tasks

/// Puts a transaction into the words of `RedisScript.commit`.
struct CommitWriter {
    private var words: [Bytes] = []
    private var removals: [Bytes] = []
    private var additions: [Bytes] = []
    private var records: [Bytes] = []
    private var events: [Bytes] = []
    private var eventCount: Int64 = 0

    /// - Parameters:
    ///   - transaction: what was read and decided.
    ///   - name: its own, of sixteen bytes.
    ///   - origin: of this process, so that it knows its own entries of the log.
    ///   - logEntries: how long the log may grow, about.
    /// - Returns: the arguments of the script.
    static func arguments(of transaction: Transaction, name: Bytes, origin: Bytes, logEntries: Int) -> [Bytes] {
        var writer = CommitWriter()
        for name in transaction.order {
            guard let tracked = transaction.tracked[name] else { continue }
            writer.words += [letter("v"), name, tracked.header]
            if tracked.isChanged { writer.write(name, tracked) }
        }
        writer.words += transaction.conditions
        writer.words.append(letter("!"))
        // What is there no more makes room for what takes its place.
        writer.words += writer.removals + writer.additions + writer.records + writer.events + transaction.changes
        for receiver in transaction.receivers { writer.words += [letter("R"), receiver] }
        if !transaction.log.isEmpty { writer.words += [letter("L"), origin, transaction.log.bytes] }
        return [name, text(writer.eventCount), text(Int64(logEntries))] + writer.words
    }

    private static func letter(_ letter: String) -> Bytes { Bytes(letter.utf8) }

    private static func text(_ number: Int64) -> Bytes { Bytes(String(number).utf8) }

    private mutating func write(_ name: Bytes, _ tracked: Transaction.Tracked) {
        index(from: tracked.original?.indexes ?? [], to: tracked.current?.indexes ?? [])
        guard let current = tracked.current else {
            records += [Self.letter("D"), name]
            return
        }
        var writer = RecordWriter()
        writer.append(RecordForm.header())
        current.write(&writer)
        guard !current.newEvents.isEmpty else {
            records += [Self.letter("S"), name, writer.bytes]
            return
        }
        records += [Self.letter("E"), name, writer.bytes, Self.text(Int64(current.newEvents.count))]
        for event in current.newEvents {
            eventCount += 1
            let tail = TaskRecord.tail(of: event)
            records += [Self.text(eventCount), tail]
            guard let task = current as? TaskRecord else { continue }
            events += [
                Self.letter("e"), Names.events, Self.text(eventCount),
                tail + Bytes(task.id.bytes) + Bytes(task.tenant.rawValue.utf8),
            ]
        }
    }

    private mutating func index(from old: Set<IndexEntry>, to new: Set<IndexEntry>) {
        let added = new.subtracting(old)
        for entry in old.subtracting(new) where !added.contains(where: { $0.replaces(entry) }) {
            switch entry {
            case .member(let set, let member): removals += [Self.letter("-"), set, member]
            case .scored(let set, let member, _): removals += [Self.letter("z"), set, member]
            case .count(let hash, let field, let amount):
                removals += [Self.letter("H"), hash, field, Self.text(-amount)]
            case .value(let name, _): removals += [Self.letter("D"), name]
            }
        }
        for entry in added {
            switch entry {
            case .member(let set, let member): additions += [Self.letter("+"), set, member]
            case .scored(let set, let member, let score):
                additions += [Self.letter("Z"), set, Self.text(score), member]
            case .count(let hash, let field, let amount):
                additions += [Self.letter("H"), hash, field, Self.text(amount)]
            case .value(let name, let value): additions += [Self.letter("S"), name, value]
            }
        }
    }
}
