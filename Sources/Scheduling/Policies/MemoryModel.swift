package import Tasks

/// Predicts how much of a device's memory generations need, and learns from those that were made, or had no room.
///
/// Starts from what the model's family has published; what was measured counts more. Remembers a bounded number of things.
package struct MemoryModel: Sendable {
    /// A way to hold a model.
    struct Way: Hashable, Codable, Sendable {
        var model: String
        var mode: MemoryMode
    }

    /// What memory grows with.
    struct Extent: Hashable, Codable, Sendable {
        /// Of a frame.
        var pixels: Int
        var frames: Int
        /// Generations in the pass.
        var rows: Int
        var isGuided: Bool

        /// Whether another one needs no more.
        func covers(_ other: Extent) -> Bool {
            other.pixels <= pixels && other.frames <= frames && other.rows <= rows && (isGuided || !other.isGuided)
        }

        var volume: Double { Double(pixels) * Double(frames) * Double(rows) * (isGuided ? 2 : 1) }
    }

    /// The most that was allocated at once.
    struct Peak: Codable, Sendable {
        var extent: Extent
        var bytes: Int64
    }

    /// A device of that memory had no room.
    struct Lack: Codable, Sendable {
        var extent: Extent
        var capacity: Int64
        /// How much the way had been learned about by then.
        var lesson: Int
    }

    struct Experience: Codable, Sendable {
        var peaks: [Peak] = []
        var lacks: [Lack] = []
        /// How often something was learned.
        var lessons = 0
    }

    /// Ways that are remembered, and what is remembered of each.
    static let wayLimit = 256
    static let peakLimit = 64
    static let lackLimit = 32
    /// What is kept free beside a measured peak: fragments, and the driver's own.
    static let margin = 1.1
    /// After so many lessons a lack may be history, because something else held the memory then, and it is tried again.
    static let lackLessons = 200
    /// A published size is that of the card, part of which the driver has.
    static let cardShare = 0.92

    var ways = BoundedMemory<Way, Experience>(limit: wayLimit)

    /// Knows only what was published.
    package init() {}

    // MARK: Predictions

    /// The predicted peak.
    ///
    /// - Parameters:
    ///   - work: what is made.
    ///   - model: what makes it.
    ///   - mode: how the model is held.
    ///   - rows: generations in the pass.
    /// - Returns: bytes; `nil` if nothing is known.
    package func peakBytes(_ work: Work, model: ModelFacts, mode: MemoryMode, rows: Int = 1) -> Int64? {
        switch need(Extent(work, rows: rows), model, mode) {
        case .measured(let bytes): bytes
        case .published(let bytes): Int64(Double(bytes) * Self.cardShare)
        case nil: nil
        }
    }

    /// The fastest mode that is predicted to fit.
    ///
    /// - Parameters:
    ///   - work: what is made.
    ///   - model: what makes it.
    ///   - capacity: bytes of the device; not above 0: unknown, and then everything fits.
    /// - Returns: the first that nothing is known against where nothing is known of any; `nil` if none fits.
    package func mode(for work: Work, model: ModelFacts, capacity: Int64) -> MemoryMode? {
        modes(for: work, model: model, capacity: capacity).first
    }

    /// All modes that are predicted to fit, the fastest first.
    func modes(for work: Work, model: ModelFacts, capacity: Int64) -> [MemoryMode] {
        guard capacity > 0 else { return model.memoryModes }
        let extent = Extent(work, rows: 1)
        return model.memoryModes.filter { mode in
            guard !isLacking(extent, model, mode, capacity) else { return false }
            // Where nothing is known at all, the ladder after a lack finds out.
            guard let need = need(extent, model, mode) else {
                return model.memoryTable.isEmpty || mode == model.wantedMode
            }
            switch need {
            case .measured(let bytes): return bytes <= capacity
            // The operator knows better than what was published for all cards.
            case .published(let bytes): return bytes <= capacity || mode == model.wantedMode
            }
        }
    }

    /// The least memory of a device on which some mode is predicted to fit.
    ///
    /// - Parameters:
    ///   - work: what is made.
    ///   - model: what makes it.
    /// - Returns: bytes, rounded up so that few amounts occur; 0 if nothing is known.
    package func leastMemory(for work: Work, model: ModelFacts) -> Int64 {
        let extent = Extent(work, rows: 1)
        var least: Int64?
        for mode in model.memoryModes {
            var bytes: Int64
            switch need(extent, model, mode) {
            case nil where model.memoryTable.isEmpty || mode == model.wantedMode: bytes = 0
            case nil: continue
            case .published where mode == model.wantedMode: bytes = 0
            case .measured(let needed), .published(let needed): bytes = needed
            }
            for lack in standingLacks(of: model, mode) where extent.covers(lack.extent) {
                bytes = max(bytes, lack.capacity + 1)
            }
            least = min(least ?? bytes, bytes)
        }
        return Self.rounded(least ?? 0, model)
    }

    /// Up to the next of the sizes that the model's table has, and of those that cards have.
    private static func rounded(_ bytes: Int64, _ model: ModelFacts) -> Int64 {
        guard bytes > 0 else { return 0 }
        // Cards are sold by multiples of 2 GiB, of which the driver shows a little less.
        let step = Int64(Double(2 << 30) * 0.975)
        let stepped = bytes > .max - step ? bytes : (bytes + step - 1) / step * step
        let published = model.memoryTable.lazy.map(\.minMemoryBytes).filter { $0 >= bytes }.min()
        return min(stepped, published ?? .max)
    }

    // MARK: Learning

    /// Takes over a measured peak.
    ///
    /// - Parameters:
    ///   - work: what was made.
    ///   - model: what made it.
    ///   - mode: how the model was held.
    ///   - peakBytes: of the whole pass; what is not above 0 is left out.
    ///   - rows: generations in the pass.
    package mutating func learn(
        work: Work,
        model: ModelFacts,
        mode: MemoryMode,
        peakBytes: Int64,
        rows: Int = 1
    ) {
        guard peakBytes > 0, peakBytes < .max / 2 else { return }
        let extent = Extent(work, rows: rows)
        ways.change(Way(model: model.name, mode: mode), from: Experience()) { way in
            way.lessons += 1
            // The most of what was seen lately: a peak varies little, and too low a one hurts.
            let before = way.peaks.first { $0.extent == extent }?.bytes ?? 0
            let faded = before - before / 100
            way.peaks.removeAll { $0.extent == extent }
            way.peaks.append(Peak(extent: extent, bytes: max(peakBytes, faded)))
            way.peaks = way.peaks.suffix(Self.peakLimit)
            way.lacks.removeAll { extent.covers($0.extent) && peakBytes <= $0.capacity }
        }
    }

    /// Takes over that there was no room.
    ///
    /// - Parameters:
    ///   - work: what was to be made.
    ///   - model: what was to make it.
    ///   - mode: how the model was held.
    ///   - capacity: bytes of the device.
    ///   - rows: generations in the pass.
    package mutating func learnLack(
        work: Work,
        model: ModelFacts,
        mode: MemoryMode,
        capacity: Int64,
        rows: Int = 1
    ) {
        guard capacity > 0 else { return }
        let extent = Extent(work, rows: rows)
        ways.change(Way(model: model.name, mode: mode), from: Experience()) { way in
            way.lessons += 1
            way.lacks.removeAll { $0.extent == extent && $0.capacity <= capacity }
            way.lacks.append(Lack(extent: extent, capacity: capacity, lesson: way.lessons))
            way.lacks = way.lacks.suffix(Self.lackLimit)
        }
    }
}
