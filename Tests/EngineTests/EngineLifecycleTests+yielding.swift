import TestSupport
import Testing

@testable import Engine

/// Giving way to another generation.
extension EngineLifecycleTests {
    @Test("A yield is sent once, and its generation ends as yielded or with the video; the engine is ready")
    func yields() throws {
        var lifecycle = try Self.busy(with: Self.periodic)
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.start)
        let actions = lifecycle.yield(id: "g-1")
        #expect(actions.first == .send(.yield(id: "g-1")) && armed(actions)?.after == .seconds(30))
        #expect(lifecycle.yield(id: "g-1").isEmpty)
        // Neither the step that it finishes nor the checkpoint moves the deadline.
        let step = lifecycle.received(Self.progress(.denoise, 2), at: Self.start)
        let saved = lifecycle.received(.checkpointed(.init(id: "g-1", step: 2, bytes: 9)), at: Self.start)
        #expect(armed(step + saved, for: .yield(pass: 1)) == nil)
        #expect(saved.first == .report(id: "g-1", .checkpointed(step: 2, bytes: 9)))
        var finished = lifecycle
        #expect(
            lifecycle.received(Self.failed(.yielded), at: Self.start)
                == [.finish(id: "g-1", .failure(.yielded)), .disarm(.sign(pass: 1)), .disarm(.yield(pass: 1))]
        )
        #expect(lifecycle.state == .ready(EngineFixture.description))
        // The steps were over: it goes on as ever.
        let decode = finished.received(Self.progress(.decode, 4), at: Self.start)
        #expect(armed(decode)?.after == .seconds(1800))
        var late = finished
        #expect(try late.deadlinePassed(#require(armed(actions)).deadline).isEmpty)
        let released = finished.received(Self.released("g-1"), at: Self.start)
        #expect(released.contains(.disarm(.yield(pass: 1))))
        #expect(try outcomes(finished.received(Self.done(), at: Self.start)).first?.get().bytes == 1)
    }

    @Test("A yield of another generation, of none, or of one that is cancelled, is not sent")
    func yieldsNothingElse() throws {
        var ready = Self.ready()
        #expect(ready.yield(id: "g-1").isEmpty)
        var lifecycle = try Self.busy()
        #expect(lifecycle.yield(id: "g-2").isEmpty)
        _ = lifecycle.cancel(id: "g-1")
        #expect(lifecycle.yield(id: "g-1").isEmpty)
    }

    @Test("A yield while it finishes is sent, and what is left keeps its time")
    func yieldsAtTheEnd() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.received(Self.progress(.decode, 4), at: Self.start)
        #expect(lifecycle.yield(id: "g-1") == [.send(.yield(id: "g-1"))])
        _ = lifecycle.received(Self.released("g-1"), at: Self.start)
        #expect(armed(lifecycle.received(Self.progress(.write, 4), at: Self.start))?.after == .seconds(1800))
        #expect(lifecycle.yield(id: "g-1").isEmpty)
        #expect(outcomes(lifecycle.received(Self.done(), at: Self.start)).count == 1)
    }

    @Test("A yield waits for a load, and its deadline begins after it")
    func yieldsAfterLoad() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.received(.loading, at: Self.start)
        #expect(lifecycle.yield(id: "g-1") == [.send(.yield(id: "g-1"))])
        let loaded = lifecycle.received(.loaded(.init(seconds: 90)), at: Self.at(90))
        #expect(armed(loaded)?.after == .seconds(30))
    }

    @Test("A yield may take two of the steps that were seen")
    func waitsForLongSteps() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.received(Self.progress(.denoise, 0), at: Self.start)
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.at(100))
        #expect(armed(lifecycle.yield(id: "g-1"))?.after == .seconds(200))
    }

    @Test("A yield that is not answered kills the engine, and what counts is the last checkpoint")
    func killsAfterUnansweredYield() throws {
        var lifecycle = try Self.busy()
        let deadline = try #require(armed(lifecycle.yield(id: "g-1"))).deadline
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        #expect(lifecycle.state.unreadiness.code == "engine_stalled")
        let end = lifecycle.processEnded("ended", at: Self.start)
        #expect(outcomes(end.actions) == [.failure(.yielded)] && end.pause == .seconds(1))
        #expect(end.actions.contains(.discard(output: Self.command.output)))
    }

    @Test("A cancel after a yield is sent, and counts for more")
    func cancelsWhileYielding() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.yield(id: "g-1")
        #expect(lifecycle.cancel(id: "g-1").first == .send(.cancel(id: "g-1")))
        #expect(outcomes(lifecycle.received(Self.failed(.yielded), at: Self.start)) == [.failure(.cancelled)])
    }

    @Test("A process that was told to end by someone else yields, and the generation has done nothing wrong")
    func yieldsUnasked() throws {
        var lifecycle = try Self.busy()
        let actions = lifecycle.received(Self.failed(.yielded), at: Self.start)
        #expect(outcomes(actions) == [.failure(.yielded)] && armed(actions)?.after == .seconds(10))
        // Nothing is given to a process that is about to end.
        #expect(lifecycle.state.unreadiness.code == "engine_crashed")
        #expect(outcomes(lifecycle.processEnded("ended", at: Self.start).actions).isEmpty)
        #expect(EngineError.yielded.advice == .retryUncounted)
    }
}
