import TestSupport
import Testing

@testable import Engine

/// Several generations in one pass.
extension EngineLifecycleTests {
    private static let pass = ["g-1", "g-2", "g-3"].map { id in
        var command = EngineFixture.command("a cat", in: "/nowhere", id: id, steps: 4)
        command.prompt += " of \(id)"
        command.checkpoint = .init(file: "/nowhere/\(id)", every: 2)
        return command
    }

    private static func together(_ settings: EngineSettings = settings) throws -> EngineLifecycle {
        var lifecycle = ready(settings)
        _ = try lifecycle.generate(pass[0], companions: Array(pass.dropFirst()), at: start)
        return lifecycle
    }

    @Test("A pass is sent as one, each of its generations is reported and ends for itself")
    func generatesTogether() throws {
        var lifecycle = Self.ready()
        let sent = try lifecycle.generate(Self.pass[0], companions: Array(Self.pass.dropFirst()), at: Self.start)
        #expect(sent.first == .send(.generate(Self.pass[0], companions: Array(Self.pass.dropFirst()))))
        let loading = lifecycle.received(.loading, at: Self.start)
        #expect(loading.filter { if case .report(_, .progress) = $0 { true } else { false } }.count == 3)
        _ = lifecycle.received(.loaded(.init(seconds: 1)), at: Self.start)
        for id in ["g-1", "g-2", "g-3"] {
            let actions = lifecycle.received(Self.progress(.denoise, 2, id: id), at: Self.start)
            #expect(actions.first == .report(id: id, .progress(.init(stage: .denoise, step: 2, totalSteps: 4))))
        }
        // Its file cannot be written.
        #expect(ends(lifecycle.received(Self.failed(.storage, id: "g-2"), at: Self.start)).count == 1)
        #expect(lifecycle.state == .busy(EngineFixture.description))
        for id in ["g-1", "g-3"] { _ = lifecycle.received(Self.progress(.decode, 4, id: id), at: Self.start) }
        let released = lifecycle.received(Self.released("g-1", "g-3"), at: Self.start)
        #expect(released.prefix(2) == [.report(id: "g-1", .released), .report(id: "g-3", .released)])
        #expect(lifecycle.state == .ready(EngineFixture.description))
        let first = lifecycle.received(Self.done(), at: Self.start)
        #expect(try ends(first)["g-1"]?.get().bytes == 1 && armed(first, for: .sign(pass: 1)) != nil)
        let last = lifecycle.received(Self.done(id: "g-3"), at: Self.start)
        #expect(try ends(last)["g-3"]?.get().bytes == 1 && last.contains(.disarm(.sign(pass: 1))))
    }

    @Test("What cannot be made together is refused together, and nothing is sent")
    func refusesUnlike() throws {
        let changes: [(inout GenerateCommand) -> Void] = [
            { $0.width = 128 }, { $0.numInferenceSteps = 5 }, { $0.fps = 9 }, { $0.guidanceScale = 1 },
            { $0.model = "other" }, { $0.memoryMode = .modelOffload }, { $0.stepCache = "fast" },
            { $0.loras = [.init(name: "style", scale: 1)] }, { $0.inputs = [.video: "/nowhere/video"] },
            { $0.id = "g-1" }, { $0.output = Self.pass[0].output }, { $0.strength = 0.5 }, { $0.numFrames = 9 },
        ]
        for (index, change) in changes.enumerated() {
            var companion = Self.pass[1]
            change(&companion)
            var lifecycle = Self.ready()
            let error = #expect(throws: EngineError.self, "\(index)") {
                try lifecycle.generate(Self.pass[0], companions: [companion], at: Self.start)
            }
            #expect(error?.code == "invalid_request" && lifecycle.state == .ready(EngineFixture.description))
        }
        var withInputs = Array(Self.pass.prefix(2))
        for index in withInputs.indices { withInputs[index].inputs = [.video: "/nowhere/video"] }
        var lifecycle = Self.ready()
        #expect(throws: EngineError.self) {
            try lifecycle.generate(withInputs[0], companions: [withInputs[1]], at: Self.start)
        }
        #expect(throws: EngineError.self, "two companions of one id") {
            try lifecycle.generate(Self.pass[0], companions: [Self.pass[1], Self.pass[1]], at: Self.start)
        }
    }

    @Test("More than the model takes are refused; a model that says nothing takes one")
    func refusesTooMany() throws {
        for (most, isTaken) in [(3, true), (2, false), (1, false)] {
            var model = EngineFixture.model
            model.maxBatch = most
            var lifecycle = EngineLifecycle(settings: Self.settings)
            _ = lifecycle.started()
            _ = lifecycle.received(Self.hello(model: model), at: Self.start)
            _ = try? lifecycle.generate(Self.pass[0], companions: Array(Self.pass.dropFirst()), at: Self.start)
            #expect((lifecycle.state == .busy(Self.description(model))) == isTaken)
        }
    }

    private static func description(_ model: EngineModel) -> EngineDescription {
        var description = EngineFixture.description
        description.models = [model]
        return description
    }

    @Test("One of a pass can be cancelled and the others go on; when the last is cancelled the engine is free")
    func cancelsOne() throws {
        var lifecycle = try Self.together()
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.start)
        let cancel = lifecycle.cancel(id: "g-2")
        #expect(cancel.first == .send(.cancel(id: "g-2")) && armed(cancel, for: .cancel(id: "g-2")) != nil)
        #expect(lifecycle.cancel(id: "g-2").isEmpty)
        let gone = lifecycle.received(Self.failed(.cancelled, id: "g-2"), at: Self.start)
        #expect(ends(gone) == ["g-2": .failure(.cancelled)] && gone.contains(.disarm(.cancel(id: "g-2"))))
        // What has ended is nobody's any more.
        #expect(lifecycle.cancel(id: "g-2").isEmpty && lifecycle.yield(id: "g-2").isEmpty)
        #expect(lifecycle.state == .busy(EngineFixture.description))
        for id in ["g-1", "g-3"] {
            _ = lifecycle.cancel(id: id)
            _ = lifecycle.received(Self.failed(.cancelled, id: id), at: Self.start)
        }
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("A cancel that is not answered kills the engine; the others of the pass have done nothing wrong")
    func killsAfterUnansweredCancelOfOne() throws {
        var lifecycle = try Self.together()
        let deadline = try #require(armed(lifecycle.cancel(id: "g-2"))).deadline
        // The others show life, and that does not help.
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.start)
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        let ended = ends(lifecycle.processEnded("ended", at: Self.start).actions)
        #expect(ended["g-2"] == .failure(.cancelled))
        for id in ["g-1", "g-3"] {
            guard case .failure(let error) = ended[id] else {
                Issue.record("\(id) did not end")
                continue
            }
            #expect(error.advice == .retryUncounted)
        }
    }

    @Test("A yield of one yields all of its pass, those that were cancelled before not among them")
    func yieldsAll() throws {
        var lifecycle = try Self.together()
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.start)
        _ = lifecycle.cancel(id: "g-3")
        #expect(lifecycle.yield(id: "g-3").isEmpty)
        let yield = lifecycle.yield(id: "g-2")
        #expect(yield.first == .send(.yield(id: "g-2")))
        #expect(lifecycle.yield(id: "g-1").isEmpty)
        for id in ["g-1", "g-2"] {
            let actions = lifecycle.received(Self.failed(.yielded, id: id), at: Self.start)
            #expect(ends(actions) == [id: .failure(.yielded)])
        }
        let last = lifecycle.received(Self.failed(.cancelled, id: "g-3"), at: Self.start)
        #expect(ends(last) == ["g-3": .failure(.cancelled)] && lifecycle.state == .ready(EngineFixture.description))
        #expect(try lifecycle.deadlinePassed(#require(armed(yield)).deadline).isEmpty)
    }

    @Test("A yield that is not answered: all of the pass have yielded, but for what was cancelled")
    func killsAfterUnansweredYieldOfAll() throws {
        var lifecycle = try Self.together()
        _ = lifecycle.cancel(id: "g-3")
        let deadline = try #require(armed(lifecycle.yield(id: "g-1"))).deadline
        #expect(lifecycle.deadlinePassed(deadline) == [.kill])
        let ended = ends(lifecycle.processEnded("ended", at: Self.start).actions)
        #expect(ended == ["g-1": .failure(.yielded), "g-2": .failure(.yielded), "g-3": .failure(.cancelled)])
    }

    @Test("What was to stop during a load is watched from its end on, each for itself")
    func stopsAfterLoad() throws {
        var lifecycle = try Self.together()
        _ = lifecycle.received(.loading, at: Self.start)
        #expect(lifecycle.cancel(id: "g-2") == [.send(.cancel(id: "g-2"))])
        #expect(lifecycle.yield(id: "g-1") == [.send(.yield(id: "g-1"))])
        let loaded = lifecycle.received(.loaded(.init(seconds: 9)), at: Self.start)
        #expect(armed(loaded, for: .cancel(id: "g-2")) != nil && armed(loaded, for: .yield(pass: 1)) != nil)
        #expect(armed(loaded, for: .cancel(id: "g-1")) == nil)
    }

    @Test("A lack of memory ends each, and an engine that lost some is replaced after the last")
    func lacksMemoryTogether() throws {
        var lifecycle = try Self.together()
        for (index, id) in ["g-1", "g-2", "g-3"].enumerated() {
            #expect(lifecycle.state == .busy(EngineFixture.description))
            let failed = EngineMessage.failed(
                .init(
                    id: id, kind: .outOfMemory, code: "out_of_memory", message: "full", stage: .denoise,
                    freeBytesBefore: 1000, freeBytesAfter: 1
                )
            )
            let actions = lifecycle.received(failed, at: Self.start)
            #expect(ends(actions).keys.first == id && actions.contains(.terminate) == (index == 2))
        }
    }

    @Test("A pass is not released while one of it is at something else, and checkpoints are each one's own")
    func checksEach() throws {
        let decoded = [Self.progress(.decode, 4), Self.progress(.decode, 4, id: "g-2")]
        let contradictions: [[EngineMessage]] = [
            decoded + [Self.released("g-1", "g-2", "g-3")], decoded + [Self.released("g-1", "g-2")],
            [Self.progress(.denoise, 1), .checkpointed(.init(id: "g-2", step: 1, bytes: 9))],
            [.resumed(.init(id: "g-2", step: 2)), Self.progress(.denoise, 1, id: "g-2")],
        ]
        for messages in contradictions {
            var lifecycle = try Self.together()
            #expect(messages.flatMap { lifecycle.received($0, at: Self.start) }.last == .kill, "\(messages)")
        }
        // They may have come to different steps before.
        var lifecycle = try Self.together()
        let messages = [
            EngineMessage.resumed(.init(id: "g-2", step: 2)), Self.progress(.denoise, 2, id: "g-2"),
            Self.progress(.denoise, 0), .checkpointed(.init(id: "g-2", step: 2, bytes: 9)),
        ]
        #expect(!messages.flatMap { lifecycle.received($0, at: Self.start) }.contains(.kill))
    }

    @Test("That several report the same step at once says nothing of how long a step takes")
    func learnsNothingOfBursts() throws {
        var lifecycle = try Self.together()
        _ = lifecycle.received(Self.progress(.denoise, 0), at: Self.start)
        for id in ["g-2", "g-3"] {
            let actions = lifecycle.received(Self.progress(.denoise, 0, id: id), at: Self.start)
            #expect(armed(actions)?.after == .seconds(1800))
        }
        let actions = lifecycle.received(Self.progress(.denoise, 1), at: Self.at(60))
        #expect(armed(actions)?.after == .seconds(1200))
        // Nor does the beginning of a file say how long it takes.
        lifecycle.release("g-1", "g-2", "g-3")
        #expect(armed(lifecycle.received(Self.progress(.write, 4), at: Self.at(60)))?.after == .seconds(1800))
        #expect(armed(lifecycle.received(Self.done(), at: Self.at(160)))?.after == .seconds(2000))
    }

    @Test("The pace of several is learned apart from that of one")
    func learnsTogether() throws {
        var lifecycle = try Self.together()
        _ = lifecycle.received(Self.progress(.denoise, 0), at: Self.start)
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.at(60))
        for id in ["g-1", "g-2", "g-3"] { _ = lifecycle.received(Self.failed(.internal, id: id), at: Self.at(60)) }
        var alone = lifecycle
        _ = try alone.generate(Self.pass[0], at: Self.start)
        // By scale, as of any other size that is smaller: what is seen of the larger one bounds it.
        #expect(armed(alone.received(Self.progress(.denoise, 0), at: Self.start))?.after == .seconds(1200))
        _ = alone.received(Self.progress(.denoise, 1), at: Self.at(1))
        #expect(armed(alone.received(Self.progress(.denoise, 2), at: Self.at(1)))?.after == .seconds(120))
    }
}
