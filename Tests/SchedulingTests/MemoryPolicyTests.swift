import Engine
import Tasks
import TestSupport
import Testing

@testable import Scheduling

@Suite("Scheduling: memory modes")
struct MemoryPolicyTests {
    private static let small = VideoShape(width: 672, height: 384, numFrames: 25)
    private static let long = VideoShape(width: 672, height: 384, numFrames: 49)
    private static let large = VideoShape(width: 1344, height: 768, numFrames: 49)

    private static func fit(_ mode: MemoryMode, _ shape: VideoShape, gigabytes: Int64) -> MemoryFit {
        MemoryFit(mode: mode, shape: shape, minMemoryBytes: gigabytes * 1_000_000_000)
    }

    /// A part of the published table of the 12B model.
    private static let model: ModelDescription = {
        var model = ModelDescription.fixture
        model.memoryModes = MemoryMode.allCases
        model.memoryTable = [
            fit(.full, large, gigabytes: 64), fit(.modelOffload, large, gigabytes: 40),
            fit(.modelOffload8Bit, long, gigabytes: 24), fit(.modelOffload8Bit, small, gigabytes: 16),
            fit(.sequentialOffload, long, gigabytes: 16),
        ]
        return model
    }()

    private static func policy(
        gigabytes: Int64,
        model: ModelDescription = model
    ) -> MemoryPolicy {
        MemoryPolicy(model: model, memoryBytes: gigabytes * 1_000_000_000)
    }

    private static func request(
        _ shape: VideoShape,
        degrades: Bool,
        minFrames: Int? = nil,
        minHeight: Int? = nil
    ) throws -> VideoRequest {
        var draft = VideoRequest.Draft()
        draft.prompt = "a cat"
        draft.width = shape.width
        draft.height = shape.height
        draft.numFrames = shape.numFrames
        draft.degrade = degrades ? "allow" : "never"
        draft.minFrames = minFrames
        draft.minHeight = minHeight
        return try VideoRequest(draft, for: .fixture)
    }

    @Test(
        "The fastest mode that is published to fit the card and the shape is known",
        arguments: [
            (Int64(80), large, MemoryMode?.some(.full)), (40, large, .modelOffload), (24, long, .modelOffload8Bit),
            (16, small, .modelOffload8Bit), (16, long, .sequentialOffload), (24, large, nil),
        ]
    )
    func known(gigabytes: Int64, shape: VideoShape, mode: MemoryMode?) {
        #expect(Self.policy(gigabytes: gigabytes).knownMode(for: shape) == mode)
    }

    @Test("What a device can make with a model is listed by shape, with the fastest mode that is known to fit")
    func overview() {
        var model = EngineFixture.model
        func entry(_ mode: EngineMemoryMode, _ frames: Int, gigabytes: Int64) -> EngineModel.MemoryEntry {
            EngineModel.MemoryEntry(
                mode: mode,
                width: 672,
                height: 384,
                numFrames: frames,
                minMemoryBytes: gigabytes * 1_000_000_000
            )
        }
        model.memoryTable = [
            entry(.modelOffload, 49, gigabytes: 40), entry(.modelOffload8Bit, 25, gigabytes: 16),
            entry(.sequentialOffload, 25, gigabytes: 8),
        ]
        let lines = MemoryOverview(of: model, memoryBytes: 24_000_000_000).lines
        #expect(lines.map(\.numFrames) == [25, 49])
        #expect(lines.map(\.mode) == ["model_offload_8bit", nil])
        model.memoryTable = []
        #expect(MemoryOverview(of: model, memoryBytes: 24_000_000_000).lines.isEmpty)
    }

    @Test("After a lack of memory every lower mode is tried once, and then the request fails with what would fit")
    func ladder() throws {
        let policy = Self.policy(gigabytes: 16)
        let request = try Self.request(Self.large, degrades: false)
        var mode = MemoryMode.full
        var tried: [MemoryMode] = [mode]
        while case .mode(let next) = policy.next(after: mode, Self.large, for: request) {
            mode = next
            tried.append(next)
        }
        #expect(tried == MemoryMode.allCases)
        guard case .giveUp(let advice) = policy.next(after: mode, Self.large, for: request) else {
            Issue.record("it goes on")
            return
        }
        #expect(advice.contains("1344x768 with 49 frames"))
        #expect(advice.contains("672x384 with 49 frames is known to fit here"))
    }

    @Test("A request that allows it becomes shorter, then smaller, and comes to an end")
    func degradation() throws {
        let policy = Self.policy(gigabytes: 1)
        let request = try Self.request(Self.large, degrades: true)
        var shape = Self.large
        var shapes: [VideoShape] = []
        while case .shape(let next) = policy.next(after: .sequentialOffload, shape, for: request) {
            #expect(next.pixels < shape.pixels * 6 / 10)
            #expect(next.width.isMultiple(of: 16) && next.height.isMultiple(of: 16) && next.numFrames % 4 == 1)
            shape = next
            shapes.append(next)
            try #require(shapes.count < 20)
        }
        #expect(shapes.first == VideoShape(width: 1344, height: 768, numFrames: 25))
        #expect(shapes.count >= 3)
        #expect(ModelLimits.fixture.width.contains(shape.width) && ModelLimits.fixture.height.contains(shape.height))
    }

    @Test(
        "Nothing becomes shorter or smaller than the request allows",
        arguments: [(49, 1, true), (26, 1, true), (25, 768, true), (1, 768, true), (49, 768, false)]
    )
    func floors(minFrames: Int, minHeight: Int, isReduced: Bool) throws {
        let policy = Self.policy(gigabytes: 1)
        let request = try Self.request(Self.large, degrades: true, minFrames: minFrames, minHeight: max(64, minHeight))
        var shape = Self.large
        while case .shape(let next) = policy.next(after: .sequentialOffload, shape, for: request) {
            #expect(next.numFrames >= minFrames && next.height >= minHeight)
            #expect(next.pixels < shape.pixels)
            shape = next
        }
        #expect((shape != Self.large) == isReduced)
    }
}

extension ModelLimits {
    fileprivate static var fixture: ModelLimits { ModelDescription.fixture.limits }
}
