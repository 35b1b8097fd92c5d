/// What a file store remembers of its videos while it runs.
///
/// Losing any of `verified` and `marks` costs time, not truth, so both are simply emptied when they are full.
struct VideoUses: Sendable {
    /// Names remembered, at most.
    private static let limit = 100_000
    /// Uses within this many milliseconds of a mark need none.
    private static let markInterval: Int64 = 60_000

    /// Videos whose content was compared with their name, with their length.
    private var verified: [VideoName: Int64] = [:]
    private var marks: [VideoName: Mark] = [:]
    /// Videos whose path somebody uses.
    private var pins: [VideoName: Int] = [:]
    private var inventories = 0
    private var inventoriesUnderWay = 0

    private struct Mark {
        let time: Int64
        let inventory: Int
    }

    func isVerified(_ name: VideoName, bytes: Int64) -> Bool {
        verified[name] == bytes
    }

    mutating func noteVerified(_ name: VideoName, bytes: Int64) {
        if verified.count >= Self.limit { verified.removeAll(keepingCapacity: true) }
        verified[name] = bytes
    }

    mutating func forget(_ name: VideoName) {
        verified[name] = nil
        marks[name] = nil
    }

    /// Whether a use of now must be written to the file.
    ///
    /// The first use within a minute, and besides every use while an inventory is under way and the first one after
    /// it: so a video that was used since an inventory saw it bears a later time than the inventory says.
    mutating func needsMark(_ name: VideoName, now: Int64) -> Bool {
        if inventoriesUnderWay == 0, let mark = marks[name], mark.inventory == inventories,
            (0..<Self.markInterval).contains(now - mark.time)
        {
            return false
        }
        if marks.count >= Self.limit { marks.removeAll(keepingCapacity: true) }
        marks[name] = Mark(time: now, inventory: inventories)
        return true
    }

    mutating func beginInventory() {
        inventoriesUnderWay += 1
    }

    mutating func endInventory() {
        inventoriesUnderWay -= 1
        inventories += 1
    }

    func isPinned(_ name: VideoName) -> Bool {
        pins[name] != nil
    }

    mutating func pin(_ name: VideoName) {
        pins[name, default: 0] += 1
    }

    mutating func unpin(_ name: VideoName) {
        guard let count = pins[name] else { return }
        pins[name] = count > 1 ? count - 1 : nil
    }
}
