/// The time that all processors of the machine have spent since it started, as Linux counts it.
struct ProcessorTimes: Sendable, Equatable {
    /// At work, in ticks.
    var busy: UInt64
    /// At work or idle, in ticks.
    var total: UInt64

    /// - Parameter text: what is in `/proc/stat`; `nil` if it is not as proc(5) says.
    init?(_ text: String) {
        guard let line = text.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        // user, nice, system, idle, iowait, irq, softirq, steal. What follows is in `user` and `nice` already.
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
        guard fields.count >= 4 else { return nil }
        total = fields.reduce(0, &+)
        let waiting = fields.count > 4 ? fields[4] : 0
        busy = total &- fields[3] &- waiting
    }

    /// The share of the time at work since an earlier count, 0 to 1; `nil` if no time has passed.
    func utilisation(since earlier: ProcessorTimes) -> Double? {
        guard total > earlier.total else { return nil }
        // Linux does not promise that the time spent waiting for disks never goes back.
        let worked = busy > earlier.busy ? busy - earlier.busy : 0
        return min(1, Double(worked) / Double(total - earlier.total))
    }
}
