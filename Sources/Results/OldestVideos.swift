/// The videos that were used longest ago among many that are shown one by one; holds no more than it was asked for.
struct OldestVideos: Sendable {
    private let limit: Int
    /// A heap: the one used last is first, and gives way to an older one.
    private var heap: [KeptVideo] = []

    init(limit: Int) {
        self.limit = max(0, limit)
    }

    /// The oldest first; of equally old ones, by name.
    var inOrder: [KeptVideo] { heap.sorted { Self.isNewer($1, $0) } }

    mutating func insert(_ video: KeptVideo) {
        if heap.count < limit {
            heap.append(video)
            rise(from: heap.count - 1)
        } else if let newest = heap.first, Self.isNewer(newest, video) {
            heap[0] = video
            sink()
        }
    }

    private static func isNewer(_ one: KeptVideo, _ other: KeptVideo) -> Bool {
        (one.lastUsed, one.name.hex) > (other.lastUsed, other.name.hex)
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0, Self.isNewer(heap[index], heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            let children = (2 * index + 1..<2 * index + 3).filter { $0 < heap.count }
            guard let newest = children.max(by: { Self.isNewer(heap[$1], heap[$0]) }),
                Self.isNewer(heap[newest], heap[index])
            else { return }
            heap.swapAt(index, newest)
            index = newest
        }
    }
}
