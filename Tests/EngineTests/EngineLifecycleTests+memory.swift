import TestSupport
import Testing

@testable import Engine

/// Too little memory.
extension EngineLifecycleTests {
    private static func failed(before: Int64?, after: Int64?) -> EngineMessage {
        .failed(
            .init(
                id: "g-1", kind: .outOfMemory, code: "out_of_memory", message: "full", stage: .decode,
                freeBytesBefore: before, freeBytesAfter: after
            )
        )
    }

    @Test(
        "After a lack of memory the engine stays if its memory came back, as far as it can tell",
        arguments: [(1000, 1000), (1000, 990), (1000, 2000), (nil, 1), (1000, nil), (nil, nil), (0, -5)]
            as [(Int64?, Int64?)]
    )
    func staysAfterLackOfMemory(before: Int64?, after: Int64?) throws {
        var lifecycle = try Self.busy()
        let fault = EngineMemoryFault(
            message: "full", stage: .decode, freeBytesBefore: before, freeBytesAfter: after
        )
        let actions = lifecycle.received(Self.failed(before: before, after: after), at: Self.start)
        #expect(actions == [.finish(id: "g-1", .failure(.outOfMemory(fault))), .disarm(.sign(pass: 1))])
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("An engine that lost memory is replaced at once, and no failure is counted")
    func replacesAfterLossOfMemory() throws {
        var lifecycle = try Self.busy()
        let actions = lifecycle.received(Self.failed(before: 1000, after: 989), at: Self.start)
        #expect(outcomes(actions).count == 1 && actions.contains(.terminate))
        let ending = try #require(armed(actions))
        #expect(ending.after == .seconds(10))
        #expect(lifecycle.state.unreadiness.code == "engine_memory_lost")
        var stubborn = lifecycle
        #expect(stubborn.deadlinePassed(ending.deadline) == [.kill])
        let end = lifecycle.processEnded("ended", lastWords: ["words"], at: Self.start)
        #expect(outcomes(end.actions).isEmpty && end.pause == .zero && lifecycle.failures == 0)
        #expect(lifecycle.state.unreadiness.log.isEmpty)
        // What comes next is judged as ever.
        _ = lifecycle.started()
        #expect(lifecycle.processEnded("ended", at: Self.start).pause == .seconds(1))
    }

    @Test("How much may stay away is a setting")
    func toleratesAsSet() throws {
        var settings = Self.settings
        settings.memoryTolerance = 0.5
        var lifecycle = try Self.busy(settings)
        _ = lifecycle.received(Self.failed(before: 1000, after: 500), at: Self.start)
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("A cancelled generation that lost memory is cancelled, and the engine is replaced all the same")
    func replacesAfterCancel() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.cancel(id: "g-1")
        let actions = lifecycle.received(Self.failed(before: 1000, after: 1), at: Self.start)
        #expect(outcomes(actions) == [.failure(.cancelled)] && actions.contains(.terminate))
    }

    @Test("A lack of memory while a checkpoint is loaded, or before there is a stage, is one")
    func lacksMemoryEarly() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.received(.loading, at: Self.start)
        #expect(outcomes(lifecycle.received(Self.failed(before: nil, after: nil), at: Self.start)).count == 1)
    }
}
