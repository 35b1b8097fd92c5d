import Tasks

extension MemoryModel {
    /// How much is needed, and how that is known.
    enum Need: Equatable {
        /// On the device, the margin included.
        case measured(Int64)
        /// The size of the card.
        case published(Int64)
    }

    /// What is needed; `nil` if nothing is known.
    ///
    /// In this order: what the same work took; the least that more than this took; what the table has for as much or more;
    /// from less than this upwards, in proportion to pixels and frames.
    func need(_ extent: Extent, _ model: ModelFacts, _ mode: MemoryMode) -> Need? {
        let peaks = ways[Way(model: model.name, mode: mode)]?.peaks ?? []
        if let same = peaks.first(where: { $0.extent == extent }) { return .measured(Self.withMargin(same.bytes)) }
        let more = peaks.lazy.filter { $0.extent.covers(extent) }.map(\.bytes).min()
        if let more { return .measured(Self.withMargin(more)) }
        if extent.rows == 1, let published = published(extent, model, mode) { return .published(published) }
        if let grown = grown(peaks, extent, model, mode) { return .measured(grown) }
        return grownFromTable(extent, model, mode).map { .published($0) }
    }

    /// Whether a device of that memory had no room for this or for less, lately.
    func isLacking(_ extent: Extent, _ model: ModelFacts, _ mode: MemoryMode, _ capacity: Int64) -> Bool {
        standingLacks(of: model, mode).contains { $0.capacity >= capacity && extent.covers($0.extent) }
    }

    /// The lacks that still count.
    func standingLacks(of model: ModelFacts, _ mode: MemoryMode) -> [Lack] {
        guard let way = ways[Way(model: model.name, mode: mode)], !way.lacks.isEmpty else { return [] }
        return way.lacks.filter { way.lessons - $0.lesson < Self.lackLessons }
    }

    /// The least card that is known to have room.
    private func published(_ extent: Extent, _ model: ModelFacts, _ mode: MemoryMode) -> Int64? {
        model.memoryTable.lazy
            .filter { $0.mode == mode && Extent($0.shape).covers(extent) }
            .map(\.minMemoryBytes)
            .min()
    }

    /// From what less than this took: the weights stay, the rest grows.
    private func grown(_ peaks: [Peak], _ extent: Extent, _ model: ModelFacts, _ mode: MemoryMode) -> Int64? {
        let less = peaks.filter { $0.extent.volume < extent.volume }
        guard let nearest = less.max(by: { $0.extent.volume < $1.extent.volume }) else { return nil }
        return Self.withMargin(Self.grown(nearest.bytes, nearest.extent, to: extent, Self.resident(model, mode)))
    }

    /// From the largest entry of the table; of several generations in a pass, from the entry of one.
    private func grownFromTable(_ extent: Extent, _ model: ModelFacts, _ mode: MemoryMode) -> Int64? {
        var one = extent
        one.rows = 1
        if extent.rows > 1, let alone = need(one, model, mode) {
            switch alone {
            case .measured(let bytes), .published(let bytes):
                return Self.grown(bytes, one, to: extent, Self.resident(model, mode))
            }
        }
        let entries = model.memoryTable.filter { $0.mode == mode }
        guard let largest = entries.max(by: { Extent($0.shape).volume < Extent($1.shape).volume }) else { return nil }
        return Self.grown(largest.minMemoryBytes, Extent(largest.shape), to: extent, Self.resident(model, mode))
    }

    private static func grown(_ bytes: Int64, _ from: Extent, to extent: Extent, _ resident: Double) -> Int64 {
        let working = max(0, Double(bytes) - resident)
        let grown = Double(bytes) + working * max(0, extent.volume / from.volume - 1)
        return Int64(min(grown, Double(Int64.max / 4)))
    }

    /// What of the weights is on the device at once, at most; an estimate that is rather too low, so that what grows is
    /// rather too much.
    private static func resident(_ model: ModelFacts, _ mode: MemoryMode) -> Double {
        let weights = Double(max(0, model.weightBytes))
        return switch mode {
        case .full: weights
        // The largest part is about half of all.
        case .modelOffload: weights / 2
        case .modelOffload8Bit: weights / 4
        case .sequentialOffload: 0
        }
    }

    private static func withMargin(_ bytes: Int64) -> Int64 {
        Int64(min(Double(bytes) * margin, Double(Int64.max / 4)))
    }
}

extension MemoryModel.Extent {
    init(_ work: Work, rows: Int) {
        self.init(
            pixels: max(1, work.shape.width * work.shape.height),
            frames: max(1, work.shape.numFrames),
            rows: max(1, rows),
            isGuided: work.isGuided
        )
    }

    /// Of an entry of a table: they are published for guided work.
    init(_ shape: VideoShape) {
        self.init(pixels: max(1, shape.width * shape.height), frames: max(1, shape.numFrames), rows: 1, isGuided: true)
    }
}
