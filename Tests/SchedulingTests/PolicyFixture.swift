import Tasks

@testable import Scheduling

/// What the tests of the policies are made of.
enum PolicyFixture {
    static let a100 = DeviceKind(name: "NVIDIA A100-SXM4-80GB")
    static let a10 = DeviceKind(name: "NVIDIA A10")
    static let cpu = DeviceKind(name: "cpu")

    static let small = VideoShape(width: 672, height: 384, numFrames: 25)
    static let medium = VideoShape(width: 672, height: 384, numFrames: 49)
    static let large = VideoShape(width: 1344, height: 768, numFrames: 49)

    /// The 12B model with the published table.
    static let model = ModelFacts(
        name: "easyanimate-12b",
        weightBytes: 40_000_000_000,
        memoryModes: MemoryMode.allCases,
        memoryTable: table
    )

    /// A model of which nothing is published.
    static let tiny = ModelFacts(name: "tiny", weightBytes: 4_000_000)

    static let models = [model.name: model, tiny.name: tiny]

    private static let table: [MemoryFit] = {
        let shapes = [
            (672, 384, 25), (672, 384, 49), (1008, 576, 25), (1008, 576, 49), (1344, 768, 25), (1344, 768, 49),
        ]
        let modes: [Character: MemoryMode] = [
            "M": .modelOffload, "Q": .modelOffload8Bit, "S": .sequentialOffload,
        ]
        let rows: [(Int64, String)] = [
            (15_500_000_000, "QSSSxx"), (23_500_000_000, "QQQQQx"), (40_000_000_000, "MMMMMM"),
        ]
        return rows.flatMap { bytes, cells in
            zip(shapes, cells).compactMap { shape, cell in
                modes[cell].map {
                    let shape = VideoShape(width: shape.0, height: shape.1, numFrames: shape.2)
                    return MemoryFit(mode: $0, shape: shape, minMemoryBytes: bytes)
                }
            }
        }
            + shapes.map {
                let shape = VideoShape(width: $0.0, height: $0.1, numFrames: $0.2)
                return MemoryFit(mode: .full, shape: shape, minMemoryBytes: 56_000_000_000)
            }
    }()

    static func work(_ shape: VideoShape = small, model: ModelFacts = model, steps: Int = 25) -> Work {
        Work(model: model.name, shape: shape, steps: steps, isGuided: true)
    }

    /// A head of its lane.
    static func head(
        _ id: Int64,
        _ work: Work = work(),
        memory: MemoryModel = MemoryModel(),
        priority: Int = 0,
        plan: AttemptPlan = AttemptPlan(),
        degradation: DegradationFloor? = nil
    ) -> WaitingGeneration {
        let facts = models[work.model] ?? tiny
        return WaitingGeneration(
            id: GenerationID(rawValue: id),
            tenant: .standard,
            priority: priority,
            lane: Lane(model: work.model, memoryBytes: memory.leastMemory(for: work, model: facts)),
            work: work,
            batchKey: "key",
            degradation: degradation,
            plan: plan,
            since: Timestamp(milliseconds: id)
        )
    }

    /// A device with engines; the indices begin at ten times its own.
    static func device(
        _ index: Int,
        kind: DeviceKind = a100,
        gigabytes: Int64 = 80,
        free: Int64? = nil,
        utilisation: Double = 0,
        isDraining: Bool = false,
        _ states: [EngineView.State] = [.ready],
        warm: Warm? = nil,
        reserved: Int64 = 0
    ) -> DeviceView {
        DeviceView(
            id: "cuda:\(index)",
            kind: kind,
            totalBytes: gigabytes * 1_000_000_000,
            freeBytes: (free ?? gigabytes - (states.contains(.ready) ? reserved * Int64(states.count) : 0))
                * 1_000_000_000,
            utilisation: utilisation,
            isDraining: isDraining,
            engines: states.enumerated().map { position, state in
                EngineView(
                    index: index * 10 + position,
                    device: index,
                    state: state,
                    warm: warm,
                    reservedBytes: reserved * 1_000_000_000
                )
            }
        )
    }
}

/// Random numbers that are the same in every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
