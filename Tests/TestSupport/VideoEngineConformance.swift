import Engine
import Foundation
import Testing

/// The contract of `VideoEngine` as behaviours; every implementation shows every one that it can be made to show.
package struct VideoEngineConformance: Sendable, CustomTestStringConvertible {
    package let name: String
    package let check: @Sendable (VideoEngineWorld) async throws -> Void

    package var testDescription: String { name }

    /// For every engine.
    ///
    /// The last one ends it.
    package static let all: [VideoEngineConformance] = basics + together + sleeping + ends

    private static let basics: [VideoEngineConformance] = [
        Self(name: "progress rises and ends, and the video is where it was asked for", check: progress),
        Self(name: "one pass at a time", check: oneAtATime),
        Self(name: "a cancel ends the run within a bound and the engine stays usable", check: cancel),
        Self(name: "a task that is cancelled already starts nothing", check: cancelBefore),
        Self(name: "unusable input is refused", check: unusableInput),
        Self(name: "a model that it does not have is refused", check: unknownModel),
        Self(name: "an output that exists is not overwritten", check: existingOutput),
        Self(name: "an output that cannot be written is told apart", check: unwritableOutput),
        Self(name: "checkpoints and previews are at their files when they are reported", check: periodicFiles),
        Self(name: "a yielded generation goes on from its checkpoint to an equal video", check: yieldAndResume),
        Self(name: "a yield of what does not run does nothing", check: yieldOfNothing),
        Self(name: "a checkpoint of something else, or none, is started over and replaced", check: foreignCheckpoint),
    ]

    private static let ends: [VideoEngineConformance] = [
        Self(name: "states begin with the present one and end after stopped; then nothing is made", check: shutdown)
    ]

    /// For engines that play the faults their prompts name.
    package static let faults: [VideoEngineConformance] = plays + overlaps

    private static let plays: [VideoEngineConformance] = [
        fault("@oom", "out of memory is told apart, with its stage and figures") { error in
            guard case .outOfMemory(let fault) = error else { return false }
            return fault.stage == .denoise && fault.freeBytesBefore != nil
                && fault.freeBytesAfter == fault.freeBytesBefore && error.advice == .retry
        },
        fault("@invalid", "a refusal in the middle is told apart") { $0.advice == .giveUp && $0.code != "cancelled" },
        fault("@disk-full", "a full disk is told apart") { $0.code == "disk_full" },
        fault("@internal", "any other failure is a failure") { $0.code == "internal" },
        fault("@crash", "a crash is reported once and the engine comes back") { $0.code == "engine_crashed" },
        fault("@garbage", "a malformed frame is a crash") { $0.code == "engine_crashed" },
        fault("@oversize", "an oversized frame is a crash") { $0.code == "engine_crashed" },
        Self(name: "an engine that lost memory is replaced", check: lostMemory),
        Self(name: "no room at the end goes on from the last step in another mode", check: lessMemory),
        Self(name: "inputs are passed", check: inputs),
        Self(name: "a hang can be cancelled", check: cancelHang),
        Self(name: "a hang can be yielded", check: yieldHang),
        Self(name: "a shutdown ends what runs", check: shutdownWhileBusy),
    ]

    private static func fault(
        _ prompt: String,
        _ name: String,
        isRight: @escaping @Sendable (EngineError) -> Bool
    ) -> Self {
        Self(name: name) { world in
            let command = try world.command(prompt)
            let run = try await world.generate(command)
            let error = try #require(run.error)
            #expect(isRight(error), "\(error)")
            #expect(!run.reports.isEmpty)
            world.expectNothing(of: command)
            try await world.expectUsable()
        }
    }

    private static func progress(_ world: VideoEngineWorld) async throws {
        let command = try world.command()
        let run = try await world.generate(command)
        let video = try run.outcome.get()
        let order = EngineProgress.Stage.allCases
        let stages = run.progress.compactMap { order.firstIndex(of: $0.stage) }
        #expect(stages == stages.sorted())
        #expect(Set(stages).isSuperset(of: [1, 2, 3, 4]))
        let steps = run.progress.map(\.step)
        #expect(steps == steps.sorted() && steps.last == command.numInferenceSteps)
        #expect(Set(run.progress.filter { $0.stage == .denoise }.map(\.step)) == Set(0...command.numInferenceSteps))
        #expect(run.progress.allSatisfy { $0.totalSteps == command.numInferenceSteps })
        let size = try FileManager.default.attributesOfItem(atPath: command.output)[.size] as? Int64
        #expect(video.file == command.output && video.bytes == size)
        #expect(video.width == command.width && video.height == command.height)
        #expect(video.numFrames == command.numFrames && video.fps == command.fps)
        #expect(video.memoryMode == command.memoryMode && video.resumedStep == 0 && video.skippedSteps == 0)
        guard case .ready = world.engine.state else {
            Issue.record("the engine is not free when the call returns: \(world.engine.state)")
            return
        }
    }

    /// A command that runs long enough to be met on its way by every engine.
    static func long(_ world: VideoEngineWorld) throws -> GenerateCommand {
        try world.command("@step=0.05", steps: 100)
    }

    private static func oneAtATime(_ world: VideoEngineWorld) async throws {
        let first = try world.command("@step=0.1", steps: 20)
        let second = try world.command()
        let run = try await world.generate(
            first,
            interruptedBy: .action {
                guard case .busy = world.engine.state else {
                    Issue.record("the engine is not busy but \(world.engine.state)")
                    return
                }
                let refused = try await world.generate(second)
                #expect(refused.error?.code == "engine_busy" && refused.error?.advice == .retryUncounted)
                #expect(refused.reports.isEmpty)
            }
        )
        _ = try run.outcome.get()
        world.expectNothing(of: second)
    }

    private static func cancel(_ world: VideoEngineWorld) async throws {
        let command = try long(world)
        let start = ContinuousClock.now
        let run = try await world.generate(command, interruptedBy: .cancel, atStep: 2)
        #expect(run.error == .cancelled)
        #expect(run.progress.last?.step ?? 100 < 100)
        #expect(ContinuousClock.now - start < .seconds(60))
        world.expectNothing(of: command)
        guard case .ready = world.engine.state else {
            Issue.record("the engine is not free when the call returns: \(world.engine.state)")
            return
        }
        try await world.expectUsable()
    }

    private static func cancelBefore(_ world: VideoEngineWorld) async throws {
        let command = try world.command()
        let error = await withTaskGroup(of: EngineError?.self) { group in
            group.cancelAll()
            group.addTask { try? await world.generate(command).error }
            return await group.next() ?? nil
        }
        #expect(error == .cancelled)
        world.expectNothing(of: command)
        try await world.expectUsable()
    }

    private static func unusableInput(_ world: VideoEngineWorld) async throws {
        var commands: [GenerateCommand] = []
        let changes: [@Sendable (inout GenerateCommand) -> Void] = [
            { $0.width = 65 }, { $0.height = 0 }, { $0.numFrames = 6 }, { $0.numInferenceSteps = 0 },
            { $0.guidanceScale = -1 }, { $0.fps = 1000 }, { $0.width = .max },
            { $0.stepCache = "unheard" }, { $0.strength = 2 }, { $0.loras = [.init(name: "unheard", scale: 1)] },
            { $0.inputs = [.startImage: "/nowhere/picture.png"] },
        ]
        for change in changes {
            var command = try world.command()
            change(&command)
            commands.append(command)
        }
        for command in commands {
            let error = try await world.generate(command).error
            guard case .rejectedInput = error else {
                Issue.record("ended with \(String(describing: error)): \(command)")
                continue
            }
            world.expectNothing(of: command)
        }
        try await world.expectUsable()
    }

    private static func existingOutput(_ world: VideoEngineWorld) async throws {
        let command = try world.command()
        try Data("precious".utf8).write(to: URL(filePath: command.output))
        let error = try await world.generate(command).error
        #expect(error?.advice == .giveUp)
        #expect(try Data(contentsOf: URL(filePath: command.output)) == Data("precious".utf8))
    }

    private static func unwritableOutput(_ world: VideoEngineWorld) async throws {
        var command = try world.command()
        command.output = world.directory + "/nowhere/video.mp4"
        let error = try await world.generate(command).error
        guard case .storage(code: "write_failed", _) = error else {
            Issue.record("ended with \(String(describing: error))")
            return
        }
        try await world.expectUsable()
    }

    private static func cancelHang(_ world: VideoEngineWorld) async throws {
        let command = try world.command("@hang")
        let run = try await world.generate(command, interruptedBy: .cancel)
        #expect(run.error == .cancelled)
        world.expectNothing(of: command)
        try await world.expectUsable()
    }

    private static func shutdownWhileBusy(_ world: VideoEngineWorld) async throws {
        let command = try long(world)
        let run = try await world.generate(command, interruptedBy: .action { await world.shutDown() })
        #expect(run.error?.code == "engine_stopped" && run.error?.advice == .retryUncounted)
        world.expectNothing(of: command)
        #expect(world.processID() == nil)
    }

    private static func shutdown(_ world: VideoEngineWorld) async throws {
        var states = world.engine.states().makeAsyncIterator()
        let first = await states.next()
        #expect(first == world.engine.state && first?.description != nil)
        await world.shutDown()
        let last = [await states.next(), await states.next()]
        #expect(last == [.stopped, nil] && world.engine.state == .stopped)
        var late = world.engine.states().makeAsyncIterator()
        let after = [await late.next(), await late.next()]
        #expect(after == [.stopped, nil])
        let error = try await world.generate(EngineFixture.command(in: world.directory)).error
        #expect(error?.code == "engine_stopped")
        #expect(world.processID() == nil)
    }
}
