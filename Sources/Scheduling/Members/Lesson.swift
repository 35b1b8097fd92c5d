import Foundation
import Tasks

/// What an attempt has taught of times and memory, in a form that every process learns the same from.
struct Lesson: Codable, Sendable, Equatable {
    static let currentFormat = 1
    static let topic = "fleet.lessons"
    /// Lessons that are kept for processes that come later.
    static let kept = 2_000

    private enum Limit {
        static let text = 256
        static let side = 1 << 16
        static let rows = 16
        static let steps = 100_000
        static let loras = 64
    }

    /// Seconds by stage.
    struct Times: Codable, Sendable, Equatable {
        var steps: Int
        var load: Double?
        var encode: Double?
        var denoise: Double?
        var decode: Double?
        var write: Double?
    }

    var format = Self.currentFormat
    var work: Work
    var family: String
    var weightBytes: Int64
    var mode: MemoryMode
    var kind: DeviceKind
    /// Generations in the pass.
    var rows: Int
    var times: Times?
    /// The most that was allocated at once.
    var peakBytes: Int64?
    /// The memory of a device that had no room.
    var lackingBytes: Int64?

    init(
        work: Work,
        model: ModelFacts,
        mode: MemoryMode,
        kind: DeviceKind,
        rows: Int,
        times: Times? = nil,
        peakBytes: Int64? = nil,
        lackingBytes: Int64? = nil
    ) {
        self.work = work
        family = model.family
        weightBytes = model.weightBytes
        self.mode = mode
        self.kind = kind
        self.rows = rows
        self.times = times
        self.peakBytes = peakBytes
        self.lackingBytes = lackingBytes
    }

    /// What was measured of an attempt that made a video.
    init(_ observation: CostObservation, peakBytes: Int64?) {
        self.init(
            work: observation.work,
            model: observation.model,
            mode: observation.mode,
            kind: observation.kind,
            rows: observation.rows,
            times: Times(
                steps: observation.steps,
                load: observation.load,
                encode: observation.encode,
                denoise: observation.denoise,
                decode: observation.decode,
                write: observation.write
            ),
            peakBytes: peakBytes
        )
    }

    /// `nil` for what is damaged, of another format, or nothing that can have happened.
    init?(reading bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)), read.isSound else { return nil }
        self = read
    }

    /// Fails for numbers that are none.
    func encoded() throws -> [UInt8] {
        Array(try JSONEncoder().encode(self))
    }

    /// Has both models learn it.
    func teach(_ costs: inout CostModel, _ memory: inout MemoryModel) {
        let facts = ModelFacts(name: work.model, family: family, weightBytes: weightBytes)
        if let times {
            costs.learn(
                CostObservation(
                    work: work,
                    model: facts,
                    mode: mode,
                    kind: kind,
                    rows: rows,
                    steps: times.steps,
                    load: times.load,
                    encode: times.encode,
                    denoise: times.denoise,
                    decode: times.decode,
                    write: times.write
                )
            )
        }
        if let peakBytes { memory.learn(work: work, model: facts, mode: mode, peakBytes: peakBytes, rows: rows) }
        if let lackingBytes {
            memory.learnLack(work: work, model: facts, mode: mode, capacity: lackingBytes, rows: rows)
        }
    }

    private var isSound: Bool {
        format == Self.currentFormat
            && [work.shape.width, work.shape.height, work.shape.numFrames].allSatisfy { (1...Limit.side).contains($0) }
            && (0...Limit.steps).contains(work.steps) && (1...Limit.rows).contains(rows)
            && times.map { (0...Limit.steps).contains($0.steps) } ?? true
            && work.loras.count <= Limit.loras && weightBytes >= 0
            && ([work.model, family, kind.name] + work.loras).allSatisfy { $0.utf8.count <= Limit.text }
    }
}
