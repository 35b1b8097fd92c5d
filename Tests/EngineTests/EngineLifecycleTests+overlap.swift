import TestSupport
import Testing

@testable import Engine

/// One pass on the device while the files of another are being written.
extension EngineLifecycleTests {
    private static let second = EngineFixture.command(in: "/nowhere", id: "g-2", steps: 4)

    /// `g-1` is being written, `g-2` is on the device.
    private static func overlapping(_ settings: EngineSettings = settings) throws -> EngineLifecycle {
        var lifecycle = try writing(settings)
        _ = try lifecycle.generate(second, at: start)
        return lifecycle
    }

    @Test("Once it is released, the engine is ready, and the next one may begin before the file is there")
    func overlaps() throws {
        var lifecycle = try Self.busy()
        _ = lifecycle.received(Self.progress(.decode, 4), at: Self.start)
        let actions = lifecycle.received(Self.released("g-1"), at: Self.start)
        #expect(actions.first == .report(id: "g-1", .released))
        #expect(lifecycle.state == .ready(EngineFixture.description) && lifecycle.warmModel == "scripted")
        #expect(try lifecycle.generate(Self.second, at: Self.start).first == .send(.generate(Self.second)))
        #expect(lifecycle.state == .busy(EngineFixture.description))
        _ = lifecycle.received(Self.progress(.write, 4), at: Self.start)
        _ = lifecycle.received(Self.progress(.denoise, 2, id: "g-2"), at: Self.start)
        let first = lifecycle.received(Self.done(), at: Self.start)
        #expect(try ends(first)["g-1"]?.get().file == Self.command.output && ends(first).count == 1)
        #expect(lifecycle.state == .busy(EngineFixture.description))
        lifecycle.release("g-2")
        #expect(try ends(lifecycle.received(Self.done(id: "g-2"), at: Self.start))["g-2"]?.get().bytes == 1)
    }

    @Test("What an engine cannot have released or made kills it, and takes along both passes, each of them crashed")
    func killsOnContradictionInOverlap() throws {
        let decoded = Self.progress(.decode, 4, id: "g-2")
        let contradictions: [[EngineMessage]] = [
            [Self.released("g-2")], [Self.progress(.denoise, 4, id: "g-2"), Self.released("g-2")],
            // The first is not written yet.
            [decoded, Self.released("g-2")], [Self.released("g-1")], [Self.done(), decoded, Self.released("g-1")],
            [Self.done(), Self.done()], [Self.done(), decoded, Self.done(id: "g-2")], [Self.done(id: "g-3")],
            [Self.done(), decoded, Self.released()], [Self.done(), decoded, Self.released("g-2", "g-2")],
            [Self.done(), decoded, Self.released("g-2", "g-3")], [Self.failed(.internal, id: "g-3")],
            [Self.progress(.write, 4, id: "g-2")], [Self.progress(.denoise, 4)], [Self.progress(.decode, 4)],
            [Self.progress(.write, 4), Self.progress(.decode, 4)], [Self.done(), Self.progress(.write, 4)],
            [.loaded(.init(seconds: 1))],
        ]
        for messages in contradictions {
            var lifecycle = try Self.overlapping()
            let actions = messages.flatMap { lifecycle.received($0, at: Self.start) }
            #expect(actions.last == .kill, "\(messages)")
            let end = lifecycle.processEnded("ended", at: Self.start)
            let ended = ends(actions + end.actions)
            #expect(Set(ended.keys) == ["g-1", "g-2"], "\(messages)")
            guard case .failure(.crashed) = ended["g-2"] else {
                Issue.record("not reported as a crash: \(messages)")
                continue
            }
        }
    }

    @Test("A process that ends takes both along as crashed, and removes what there is of their files")
    func crashesBoth() throws {
        var lifecycle = try Self.overlapping()
        _ = lifecycle.channelEnded(nil)
        let end = lifecycle.processEnded("The engine process ended (signal 9).", at: Self.start)
        #expect(ends(end.actions) == ["g-1": .failure(Self.crash), "g-2": .failure(Self.crash)])
        #expect(end.actions.contains(.discard(output: Self.command.output)))
        #expect(end.actions.contains(.discard(output: Self.second.output)))
        #expect(lifecycle.warmModel == nil)
    }

    @Test("What is being written can be cancelled, in time or the engine is killed; the next pass is not to blame")
    func cancelsWriting() throws {
        var lifecycle = try Self.overlapping()
        let actions = lifecycle.cancel(id: "g-1")
        #expect(actions.first == .send(.cancel(id: "g-1")))
        let deadline = try #require(armed(actions)).deadline
        var answered = lifecycle
        let end = answered.received(Self.failed(.cancelled), at: Self.start)
        #expect(ends(end) == ["g-1": .failure(.cancelled)] && end.contains(.disarm(.cancel(id: "g-1"))))
        #expect(answered.state == .busy(EngineFixture.description))
        #expect(answered.deadlinePassed(deadline).isEmpty)
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        let gone = ends(lifecycle.processEnded("ended", at: Self.start).actions)
        #expect(gone["g-1"] == .failure(.cancelled))
        guard case .failure(.unavailable(let fault)) = gone["g-2"] else {
            Issue.record("ends as \(gone)")
            return
        }
        #expect(fault.code == "engine_stalled")
    }

    @Test("A yield of what is being written is not sent, and one of what is on the device leaves the other alone")
    func yieldsTheWorkingOne() throws {
        var lifecycle = try Self.overlapping()
        #expect(lifecycle.yield(id: "g-1").isEmpty)
        #expect(lifecycle.yield(id: "g-2").first == .send(.yield(id: "g-2")))
        let end = lifecycle.received(Self.failed(.yielded, id: "g-2"), at: Self.start)
        #expect(ends(end) == ["g-2": .failure(.yielded)])
        #expect(lifecycle.state == .ready(EngineFixture.description))
        #expect(ends(lifecycle.received(Self.done(), at: Self.start)).count == 1)
    }

    @Test("Each pass is watched for itself, and only the one that is silent has stalled", arguments: ["g-1", "g-2"])
    func killsStalled(silent: String) throws {
        var lifecycle = try Self.overlapping()
        let first = lifecycle.received(Self.progress(.write, 4), at: Self.start)
        let second = lifecycle.received(Self.progress(.encode, 0, id: "g-2"), at: Self.start)
        let deadline = try #require(armed(silent == "g-1" ? first : second)).deadline
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        let ended = ends(lifecycle.processEnded("ended", at: Self.start).actions)
        for (id, outcome) in ended {
            guard case .failure(let error) = outcome else { continue }
            #expect(error.code == "engine_stalled")
            #expect(error.advice == (id == silent ? .retry : .retryUncounted), "\(id)")
        }
        #expect(ended.count == 2)
    }

    @Test("What is decoded is not watched while it waits for the files of another, and is again afterwards")
    func waitsForFiles() throws {
        var lifecycle = try Self.overlapping()
        let denoising = lifecycle.received(Self.progress(.denoise, 4, id: "g-2"), at: Self.start)
        let decoding = lifecycle.received(Self.progress(.decode, 4, id: "g-2"), at: Self.start)
        #expect(armed(decoding) == nil)
        #expect(try lifecycle.deadlinePassed(#require(armed(denoising)).deadline).isEmpty)
        let written = lifecycle.received(Self.done(), at: Self.at(1000))
        #expect(armed(written, for: .sign(pass: 2))?.after == .seconds(120))
        // What it waited for the other is not learned as its own.
        _ = lifecycle.received(Self.released("g-2"), at: Self.at(1001))
        _ = lifecycle.received(Self.done(id: "g-2"), at: Self.at(1002))
        _ = try lifecycle.generate(Self.command, at: Self.at(1002))
        #expect(armed(lifecycle.received(Self.progress(.decode, 4), at: Self.at(1002)))?.after == .seconds(120))
    }

    @Test("A new command with the id of one that is being written is refused, and nothing is sent")
    func refusesSameID() throws {
        var lifecycle = try Self.writing()
        let error = #expect(throws: EngineError.self) { try lifecycle.generate(Self.command, at: Self.start) }
        #expect(error?.code == "invalid_request" && lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("An engine that lost memory is replaced when the file before it is written, and takes nothing until then")
    func replacesAfterWriting() throws {
        var lifecycle = try Self.overlapping()
        let lost = EngineMessage.failed(
            .init(
                id: "g-2", kind: .outOfMemory, code: "out_of_memory", message: "full", stage: .decode,
                freeBytesBefore: 1000, freeBytesAfter: 1
            )
        )
        let actions = lifecycle.received(lost, at: Self.start)
        #expect(ends(actions).count == 1 && !actions.contains(.terminate))
        #expect(lifecycle.state.unreadiness.code == "engine_memory_lost" && lifecycle.warmModel == nil)
        #expect(throws: EngineError.self) { try lifecycle.generate(Self.second, at: Self.start) }
        _ = lifecycle.received(Self.progress(.write, 4), at: Self.start)
        let written = lifecycle.received(Self.done(), at: Self.start)
        #expect(try ends(written)["g-1"]?.get().bytes == 1)
        #expect(written.contains(.terminate) && armed(written)?.after == .seconds(10))
        #expect(lifecycle.processEnded("ended", at: Self.start).pause == .zero)
    }

    @Test("A process that somebody else ends may still finish what it writes; if it does not, nothing is counted")
    func finishesWhatItWrites() throws {
        var lifecycle = try Self.overlapping()
        let actions = lifecycle.received(Self.failed(.yielded, id: "g-2"), at: Self.start)
        #expect(ends(actions) == ["g-2": .failure(.yielded)] && armed(actions)?.after == .seconds(10))
        var quick = lifecycle
        #expect(try ends(quick.received(Self.done(), at: Self.start))["g-1"]?.get().bytes == 1)
        #expect(ends(quick.processEnded("ended", at: Self.start).actions).isEmpty)
        #expect(ends(lifecycle.processEnded("ended", at: Self.start).actions) == ["g-1": .failure(.yielded)])
    }

    @Test("A shutdown lets the file be finished and yields what is on the device")
    func shutsDownInOverlap() throws {
        var lifecycle = try Self.overlapping()
        _ = lifecycle.shutDown()
        #expect(lifecycle.received(Self.failed(.yielded, id: "g-2"), at: Self.start).isEmpty)
        #expect(try ends(lifecycle.received(Self.done(), at: Self.start))["g-1"]?.get().bytes == 1)
        let end = ends(lifecycle.processEnded("ended", at: Self.start).actions)
        #expect(end == ["g-2": .failure(.unavailable(EngineState.stopped.unreadiness))])
    }

    @Test("A cancelled video that is complete at the shutdown is removed all the same")
    func dropsCancelledDuringShutdown() throws {
        var lifecycle = try Self.writing()
        _ = lifecycle.cancel(id: "g-1")
        _ = lifecycle.shutDown()
        #expect(lifecycle.received(Self.done(), at: Self.start).isEmpty)
        let end = lifecycle.processEnded("ended", at: Self.start).actions
        #expect(outcomes(end) == [.failure(.cancelled)] && end.contains(.discard(output: Self.command.output)))
    }
}
