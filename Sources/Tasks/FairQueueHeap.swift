/// Slots of some pool in the order of their keys, the least first.
///
/// Knows where each slot is, so that any can be removed or moved in logarithmic time. The places are kept by the caller,
/// by slot, so that many heaps whose slots are disjoint share one array.
struct SlotHeap<Key: Comparable & Sendable>: Sendable {
    struct Item: Sendable {
        var key: Key
        var slot: Int32
    }

    private(set) var items: [Item] = []

    var first: Item? { items.first }
    var isEmpty: Bool { items.isEmpty }

    /// Puts in a slot that is in no heap of these places.
    mutating func insert(_ slot: Int32, _ key: Key, _ places: inout [Int32]) {
        if places.count <= Int(slot) {
            places.append(contentsOf: repeatElement(-1, count: Int(slot) + 1 - places.count))
        }
        let item = Item(key: key, slot: slot)
        items.append(item)
        rise(item, from: items.count - 1, &places)
    }

    /// Takes out the slot at a place.
    mutating func remove(at place: Int, _ places: inout [Int32]) {
        places[Int(items[place].slot)] = -1
        let last = items.removeLast()
        guard place < items.count else { return }
        settle(last, at: place, &places)
    }

    /// Gives the slot at a place another key.
    mutating func update(at place: Int, _ key: Key, _ places: inout [Int32]) {
        settle(Item(key: key, slot: items[place].slot), at: place, &places)
    }

    /// Puts an item in at a place whose own item is gone, or near it.
    private mutating func settle(_ item: Item, at place: Int, _ places: inout [Int32]) {
        if place > 0, item.key < items[(place - 1) / 2].key {
            rise(item, from: place, &places)
        } else {
            sink(item, from: place, &places)
        }
    }

    private mutating func rise(_ item: Item, from start: Int, _ places: inout [Int32]) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard item.key < items[parent].key else { break }
            items[place] = items[parent]
            places[Int(items[place].slot)] = Int32(place)
            place = parent
        }
        items[place] = item
        places[Int(item.slot)] = Int32(place)
    }

    private mutating func sink(_ item: Item, from start: Int, _ places: inout [Int32]) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1].key < items[child].key { child += 1 }
            guard items[child].key < item.key else { break }
            items[place] = items[child]
            places[Int(items[place].slot)] = Int32(place)
            place = child
        }
        items[place] = item
        places[Int(item.slot)] = Int32(place)
    }
}

/// Values in order, the least first, for a walk that only adds and takes.
struct MinHeap<Element: Comparable> {
    private var elements: [Element]

    /// In linear time.
    init(_ elements: [Element] = []) {
        self.elements = elements
        for place in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(from: place) }
    }

    var first: Element? { elements.first }

    mutating func push(_ element: Element) {
        elements.append(element)
        var place = elements.count - 1
        while place > 0, elements[place] < elements[(place - 1) / 2] {
            elements.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func pop() -> Element? {
        guard let first = elements.first else { return nil }
        let last = elements.removeLast()
        if !elements.isEmpty {
            elements[0] = last
            sink(from: 0)
        }
        return first
    }

    private mutating func sink(from start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < elements.count else { return }
            if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
            guard elements[child] < elements[place] else { return }
            elements.swapAt(place, child)
            place = child
        }
    }
}
