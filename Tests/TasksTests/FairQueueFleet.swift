import Tasks

/// Devices that take what is first whenever one is free, on a clock of their own.
struct Fleet {
    var queue: FairQueue
    /// Seconds of device time that each tenant has had.
    private(set) var served: [String: Double] = [:]
    /// In the order in which they began.
    private(set) var began: [(generation: WaitingGeneration, at: Double)] = []
    private var running: [(end: Double, generation: WaitingGeneration)] = []
    private let devices: Int
    private(set) var now = 0.0

    init(devices: Int, aging: Duration = .zero) {
        self.devices = devices
        queue = FairQueue(aging: aging)
    }

    private var moment: Timestamp { Timestamp(milliseconds: Int64(now * 1000)) }

    /// Begins what there is room for.
    ///
    /// - Parameter actual: the seconds that a generation really takes; `nil`: as predicted.
    mutating func begin(actual: ((WaitingGeneration) -> Double)? = nil) {
        while running.count < devices, let taken = queue.takeFirst(at: moment) {
            began.append((taken, now))
            running.append((now + (actual?(taken) ?? taken.cost), taken))
        }
    }

    /// Goes on to the next end.
    mutating func end() -> WaitingGeneration? {
        guard let index = running.indices.min(by: { running[$0].end < running[$1].end }) else { return nil }
        let (end, generation) = running.remove(at: index)
        let start = began.last { $0.generation.id == generation.id }?.at ?? 0
        now = end
        served[generation.tenant.rawValue, default: 0] += end - start
        queue.settle(generation.id, actual: end - start)
        return generation
    }

    mutating func wait(until moment: Double) {
        now = max(now, moment)
    }
}

/// 1 if all shares are equal, 1/n if one of n has everything (Jain, Chiu and Hawe, 1984).
func jain(_ shares: [Double]) -> Double {
    let sum = shares.reduce(0, +)
    return sum * sum / (Double(shares.count) * shares.reduce(0) { $0 + $1 * $1 })
}
