/// What is going to happen, the earliest first; of what happens at one time, what was added first.
///
/// A binary heap of plain values: adding and taking cost O(log n).
struct EventQueue<Event: Sendable>: Sendable {
    private struct Entry: Sendable {
        var time: Double
        var number: UInt64
        var event: Event

        func isBefore(_ other: Entry) -> Bool {
            time < other.time || time == other.time && number < other.number
        }
    }

    private var heap: [Entry] = []
    private var added: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    var count: Int { heap.count }
    /// Seconds at which the next event happens.
    var nextTime: Double? { heap.first?.time }

    mutating func add(_ event: Event, at time: Double) {
        heap.append(Entry(time: time, number: added, event: event))
        added += 1
        rise(from: heap.count - 1)
    }

    mutating func next() -> (time: Double, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.time, first.event)
    }

    private mutating func rise(from index: Int) {
        let entry = heap[index]
        var hole = index
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[hole] = heap[parent]
            hole = parent
        }
        heap[hole] = entry
    }

    private mutating func sink() {
        let entry = heap[0]
        let count = heap.count
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < count else { break }
            if child + 1 < count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = entry
    }
}
