/// Values by a small number that stays theirs until they are removed, and is given away again then.
struct Pool<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var free: [Int32] = []

    subscript(slot: Int32) -> Element {
        _read { yield elements[Int(slot)] }
        _modify { yield &elements[Int(slot)] }
    }

    mutating func add(_ element: Element) -> Int32 {
        if let slot = free.popLast() {
            elements[Int(slot)] = element
            return slot
        }
        elements.append(element)
        return Int32(elements.count - 1)
    }

    /// - Parameters:
    ///   - slot: whose value is gone.
    ///   - blank: what is left in its place, so that nothing of it stays in memory.
    mutating func remove(_ slot: Int32, leaving blank: Element) {
        elements[Int(slot)] = blank
        free.append(slot)
    }
}

/// Values that many have in common, each kept once for as long as somebody has it.
struct Interned<Value: Hashable & Sendable>: Sendable {
    private struct Kept: Sendable {
        var value: Value?
        var uses = 0
    }

    private var index: [Value: Int32] = [:]
    private var kept = Pool<Kept>()

    /// The number of a value that somebody has.
    func number(of value: Value) -> Int32? { index[value] }

    /// The value of a number that somebody has.
    subscript(number: Int32) -> Value? { kept[number].value }

    /// Counts one use more.
    ///
    /// - Returns: the value's number, and whether nobody had it before.
    mutating func use(_ value: Value) -> (number: Int32, isNew: Bool) {
        if let number = index[value] {
            kept[number].uses += 1
            return (number, false)
        }
        let number = kept.add(Kept(value: value, uses: 1))
        index[value] = number
        return (number, true)
    }

    /// Counts one use more of a value that somebody has.
    mutating func use(_ number: Int32) {
        kept[number].uses += 1
    }

    /// Counts one use less.
    ///
    /// - Returns: whether that was the last.
    @discardableResult
    mutating func release(_ number: Int32) -> Bool {
        kept[number].uses -= 1
        guard kept[number].uses == 0 else { return false }
        if let value = kept[number].value { index[value] = nil }
        kept.remove(number, leaving: Kept())
        return true
    }
}
