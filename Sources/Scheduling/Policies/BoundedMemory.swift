/// Values by key, of which the ones that were changed last are kept.
struct BoundedMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var value: Value
        var changed: UInt64
    }

    let limit: Int
    private var entries: [Key: Entry] = [:]
    private var changes: UInt64 = 0

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    var count: Int { entries.count }

    subscript(key: Key) -> Value? { entries[key]?.value }

    /// Changes the value of a key, or makes one.
    ///
    /// - Parameters:
    ///   - key: of the value.
    ///   - initial: what it is before the first change.
    ///   - body: the change.
    mutating func change(_ key: Key, from initial: Value, _ body: (inout Value) -> Void) {
        changes += 1
        var entry = entries[key] ?? Entry(value: initial, changed: 0)
        body(&entry.value)
        entry.changed = changes
        entries[key] = entry
        if entries.count > limit { forgetOldest() }
    }

    /// From the one that was changed longest ago to the newest.
    var contents: [(key: Key, value: Value)] {
        entries.sorted { $0.value.changed < $1.value.changed }.map { ($0.key, $0.value.value) }
    }

    /// A quarter at once, so that the search for them is paid for by many changes.
    private mutating func forgetOldest() {
        let oldest = entries.sorted { $0.value.changed < $1.value.changed }.prefix(max(1, limit / 4))
        for (key, _) in oldest { entries[key] = nil }
    }
}
