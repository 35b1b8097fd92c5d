import TestSupport
import Testing

@testable import Engine

/// What is said on the way, and what an engine says of itself.
extension EngineLifecycleTests {
    private static func saved(_ step: Int, bytes: Int64 = 9, id: String = "g-1") -> EngineMessage.Saved {
        .init(id: id, step: step, bytes: bytes)
    }

    private static func resumed(_ step: Int, id: String = "g-1") -> EngineMessage {
        .resumed(.init(id: id, step: step))
    }

    private static func finished(by done: EngineMessage) -> [EngineMessage] {
        [progress(.decode, 4), released("g-1"), progress(.write, 4), done]
    }

    @Test("A resumption, checkpoints and previews are reported in order, and each is a sign of life")
    func reports() throws {
        var lifecycle = try Self.busy(with: Self.periodic)
        let messages = [
            Self.progress(.encode, 0), Self.resumed(1), Self.progress(.denoise, 1), Self.progress(.denoise, 2),
            .checkpointed(Self.saved(2)), .preview(Self.saved(2)), Self.progress(.denoise, 4),
            .checkpointed(Self.saved(4)), Self.progress(.decode, 4),
        ]
        var reports: [EngineReport] = []
        for message in messages {
            let actions = lifecycle.received(message, at: Self.start)
            #expect(armed(actions) != nil, "\(message.name)")
            for case .report(_, let report) in actions { reports.append(report) }
        }
        #expect(reports.count == messages.count)
        #expect(
            reports.filter { if case .progress = $0 { false } else { true } } == [
                .resumed(step: 1), .checkpointed(step: 2, bytes: 9), .preview(step: 2, bytes: 9),
                .checkpointed(step: 4, bytes: 9),
            ])
        _ = lifecycle.received(Self.released("g-1"), at: Self.start)
        let done = Self.done(resumedStep: 1, skippedSteps: 2)
        let video = try #require(outcomes(lifecycle.received(done, at: Self.start)).first).get()
        #expect(video.resumedStep == 1 && video.skippedSteps == 2 && video.memoryMode == .full)
    }

    @Test("The time that a checkpoint takes is learned, as that of a step is")
    func learnsCheckpoints() throws {
        var lifecycle = try Self.busy(with: Self.periodic)
        _ = lifecycle.received(Self.progress(.denoise, 1), at: Self.start)
        let actions = lifecycle.received(.checkpointed(Self.saved(1)), at: Self.at(60))
        #expect(armed(actions)?.after == .seconds(1200))
    }

    @Test("What cannot be true of a resumption, a checkpoint, a preview or a video kills the engine")
    func killsOnContradiction() throws {
        let contradictions: [[EngineMessage]] = [
            [Self.resumed(1), Self.resumed(1)], [Self.progress(.denoise, 0), Self.resumed(1)],
            [Self.progress(.decode, 4), Self.resumed(1)], [.loading, Self.resumed(1)], [Self.resumed(1, id: "g-2")],
            [Self.resumed(5)], [Self.resumed(-1)], [Self.resumed(3), Self.progress(.denoise, 2)],
            [.checkpointed(Self.saved(0))], [Self.progress(.encode, 0), .preview(Self.saved(0))],
            [Self.progress(.denoise, 2), .checkpointed(Self.saved(3))],
            [Self.progress(.denoise, 2), .preview(Self.saved(-1))],
            [Self.progress(.denoise, 2), .preview(Self.saved(1, bytes: 0))],
            [Self.progress(.denoise, 2), .checkpointed(Self.saved(1, id: "g-2"))],
            Self.finished(by: Self.done(memoryMode: .modelOffload)), Self.finished(by: Self.done(resumedStep: 1)),
            Self.finished(by: Self.done(skippedSteps: -1)), [Self.resumed(2)] + Self.finished(by: Self.done()),
            Self.finished(by: Self.done(skippedSteps: 5)), Self.finished(by: Self.done(file: "/elsewhere")),
        ]
        for messages in contradictions {
            var lifecycle = try Self.busy(with: Self.periodic)
            let actions = messages.flatMap { lifecycle.received($0, at: Self.start) }
            #expect(actions.last == .kill && outcomes(actions).isEmpty, "\(messages)")
        }
        // Nobody asked for these.
        for message in [Self.resumed(1), .checkpointed(Self.saved(1)), .preview(Self.saved(1))] {
            var lifecycle = try Self.busy()
            let actions = lifecycle.received(Self.progress(.encode, 0), at: Self.start)
            #expect(!actions.contains(.kill))
            #expect(lifecycle.received(message, at: Self.start) == [.kill], "\(message.name)")
        }
        for message in [Self.resumed(1), .checkpointed(Self.saved(1)), .preview(Self.saved(1))] {
            var lifecycle = Self.ready()
            #expect(lifecycle.received(message, at: Self.start) == [.kill], "\(message.name)")
        }
    }

    @Test("A command for a model that the engine does not have is refused, and nothing is sent")
    func refusesUnknownModel() throws {
        var lifecycle = Self.ready()
        var command = Self.command
        command.model = "unheard"
        let error = #expect(throws: EngineError.self) { try lifecycle.generate(command, at: Self.start) }
        #expect(error?.code == "invalid_request" && error?.advice == .giveUp)
        #expect(lifecycle.state == .ready(EngineFixture.description))
    }

    @Test("A load may take as long as the weights of its own model need")
    func waitsForOwnWeights() throws {
        var large = EngineFixture.model
        large.name = "large"
        large.weightBytes = 40_000_000_000
        var lifecycle = EngineLifecycle(settings: Self.settings)
        _ = lifecycle.started()
        _ = lifecycle.received(Self.hello(models: [EngineFixture.model, large]), at: Self.start)
        for (name, seconds) in [("scripted", 300), ("large", 8300)] {
            var command = Self.command
            command.model = name
            var busy = lifecycle
            _ = try busy.generate(command, at: Self.start)
            #expect(armed(busy.received(.loading, at: Self.start))?.after == .seconds(seconds))
        }
    }

    @Test("The pace is learned for each memory mode and for what a generation starts from")
    func learnsApart() throws {
        let changes: [(GenerateCommand) -> GenerateCommand] = [
            { $0 },
            {
                var command = $0
                command.memoryMode = .sequentialOffload
                return command
            },
            {
                var command = $0
                command.inputs = [.video: "/nowhere/video"]
                return command
            },
        ]
        var lifecycle = try Self.busy()
        _ = lifecycle.received(Self.progress(.encode, 0), at: Self.start)
        _ = lifecycle.received(Self.progress(.denoise, 0), at: Self.at(1))
        _ = lifecycle.received(Self.failed(.internal), at: Self.at(2))
        let allowed = try changes.map { change in
            var lifecycle = lifecycle
            _ = try lifecycle.generate(change(Self.command), at: Self.start)
            return armed(lifecycle.received(Self.progress(.encode, 0), at: Self.start))?.after
        }
        #expect(allowed == [.seconds(120), .seconds(1800), .seconds(1800)])
    }

    @Test("An engine whose description contradicts itself is killed")
    func refusesUnsoundDescriptions() {
        func changed(_ change: (inout EngineModel) -> Void) -> [EngineModel] {
            var model = EngineFixture.model
            change(&model)
            return [model]
        }
        let lora = EngineLoRA(name: "style", fingerprint: String(repeating: "a", count: 64), bytes: 1)
        let entry = EngineModel.MemoryEntry(mode: .full, width: 64, height: 64, numFrames: 0, minMemoryBytes: 1)
        let many = (0..<17).flatMap { number in changed { $0.name = "model \(number)" } }
        let unsound: [EngineMessage] = [
            Self.hello(models: []), Self.hello(models: many),
            Self.hello(models: [EngineFixture.model, EngineFixture.model]),
            Self.hello(models: changed { $0.name = "" }), Self.hello(models: changed { $0.fingerprint = "short" }),
            Self.hello(models: changed { $0.memoryModes = [] }),
            Self.hello(models: changed { $0.memoryModes = [.full, .full] }),
            Self.hello(models: changed { $0.inputs = [.video, .video] }),
            Self.hello(models: changed { $0.stepCache = [] }), Self.hello(models: changed { $0.stepCache = ["fast"] }),
            Self.hello(models: changed { $0.stepCache = ["off", "off"] }),
            Self.hello(models: changed { $0.sizes = [[64]] }), Self.hello(models: changed { $0.sizes = [[64, 0]] }),
            Self.hello(models: changed { $0.sizes = [[64, 72]] }),
            Self.hello(models: changed { $0.sizes = [[64, .max]] }),
            Self.hello(models: changed { $0.nativeShapes = [[64, -1]] }),
            Self.hello(models: changed { $0.memoryTable = [entry] }),
            Self.hello(models: changed { $0.defaults.strength = 0 }),
            Self.hello(models: changed { $0.defaults.strength = 1.5 }),
            Self.hello(models: changed { $0.limits.sizeMultiple = 0 }),
            Self.hello(models: changed { $0.maxBatch = 0 }), Self.hello(models: changed { $0.maxBatch = 17 }),
            Self.hello(models: [EngineFixture.model], memoryBytes: -1),
            Self.hello(models: [EngineFixture.model], loras: [lora, lora]),
            Self.hello(
                models: [EngineFixture.model], loras: [EngineLoRA(name: "", fingerprint: lora.fingerprint, bytes: 1)]
            ),
            Self.hello(models: [EngineFixture.model], loras: [EngineLoRA(name: "a", fingerprint: "a", bytes: 1)]),
        ]
        for (index, message) in unsound.enumerated() {
            var lifecycle = EngineLifecycle(settings: Self.settings)
            _ = lifecycle.started()
            #expect(lifecycle.received(message, at: Self.start) == [.kill], "\(index)")
        }
        var lifecycle = EngineLifecycle(settings: Self.settings)
        _ = lifecycle.started()
        _ = lifecycle.received(Self.hello(models: Array(many.prefix(16)), loras: [lora]), at: Self.start)
        #expect(lifecycle.state.description?.models.count == 16)
        #expect(lifecycle.state.description?.model(named: "model 7")?.name == "model 7")
    }
}
