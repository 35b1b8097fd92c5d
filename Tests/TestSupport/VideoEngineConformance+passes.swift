import Engine
import Foundation
import Testing

/// Several generations in one pass, and one pass beside the files of another.
extension VideoEngineConformance {
    static let together: [VideoEngineConformance] = [
        Self(name: "the engine is ready when only the file remains, and not before", check: released),
        Self(name: "several are made in one pass, and each is its own video", check: several),
        Self(name: "one of several can be cancelled and the others go on", check: cancelOne),
        Self(name: "a cancelled task cancels all of its pass", check: cancelAll),
        Self(name: "several yield together, and each goes on from its checkpoint alone", check: yieldTogether),
        Self(name: "what cannot be made together is refused, each of it", check: unlike),
        Self(name: "one that is unusable ends alone", check: unusableCompanion),
    ]

    static let overlaps: [VideoEngineConformance] = [
        Self(name: "the next pass works while the file of the last is written", check: overlap),
        Self(name: "a cancel while the file is written stops it, and not the next pass", check: cancelWriting),
        Self(name: "a crash while a file is written and another pass works ends both, once", check: crashBoth),
        Self(name: "a file that cannot be written fails alone", check: writeFull),
        Self(name: "a shutdown lets a file be finished", check: shutdownWhileWriting),
        Self(name: "what a pass had allocated is said", check: peak),
    ]

    private static func released(_ world: VideoEngineWorld) async throws {
        let command = try world.command()
        let states = Noted<[EngineState]>([])
        let video = try await world.engine.generate(command) { report in
            if report == .released { states.append(world.engine.state) }
        }
        #expect(video.file == command.output)
        let state = try #require(states.value.first)
        guard states.value.count == 1, case .ready = state else {
            Issue.record("it is released as \(states.value)")
            return
        }
        #expect(world.engine.warmModel == command.model)
    }

    private static func pass(_ world: VideoEngineWorld, _ prompts: [String], steps: Int = 4) throws -> [GenerateCommand]
    {
        try prompts.map { prompt in
            var command = try world.command(prompt, steps: steps)
            command.checkpoint = .init(file: command.output + ".checkpoint", every: 2)
            return command
        }
    }

    private static func several(_ world: VideoEngineWorld) async throws {
        let pass = try pass(world, ["a cat", "a dog", "a bird"])
        let run = try await world.generate(pass)
        var contents: Set<Data> = []
        for command in pass {
            let one = try #require(run[command.id])
            #expect(try one.outcome.get().file == command.output)
            #expect(one.progress.last?.step == command.numInferenceSteps)
            #expect(one.reports.filter { $0 == .released }.count == 1)
            let steps = one.progress.filter { $0.stage == .denoise }.map(\.step)
            #expect(steps == Array(0...command.numInferenceSteps))
            contents.insert(try Data(contentsOf: URL(filePath: command.output)))
        }
        #expect(contents.count == pass.count && run.count == pass.count)
        guard case .ready = world.engine.state else {
            Issue.record("the engine is not free when the call returns: \(world.engine.state)")
            return
        }
    }

    private static func cancelOne(_ world: VideoEngineWorld) async throws {
        let pass = try pass(world, ["@step=0.2 a", "@step=0.2 b"], steps: 8)
        let run = try await world.generate(pass, interruptedBy: .action { world.engine.cancel(id: pass[1].id) })
        #expect(try run[pass[0].id]?.outcome.get().file == pass[0].output)
        #expect(run[pass[1].id]?.error == .cancelled)
        world.expectNothing(of: pass[1])
        world.engine.cancel(id: pass[1].id)
        try await world.expectUsable()
    }

    private static func cancelAll(_ world: VideoEngineWorld) async throws {
        let pass = try pass(world, ["@step=0.1 a", "@step=0.1 b"], steps: 100)
        let run = try await world.generate(pass, interruptedBy: .cancel)
        for command in pass {
            #expect(run[command.id]?.error == .cancelled)
            world.expectNothing(of: command)
        }
        try await world.expectUsable()
    }

    private static func yieldTogether(_ world: VideoEngineWorld) async throws {
        let pass = try pass(world, ["@step=0.2 a", "@step=0.2 b"], steps: 10)
        let run = try await world.generate(
            pass,
            interruptedBy: .action { world.engine.yield(id: pass[1].id) },
            atStep: 2
        )
        for command in pass {
            #expect(run[command.id]?.error == .yielded)
            world.expectNothing(of: command)
        }
        var alone = pass[0]
        alone.id += "-again"
        let resumed = try await world.generate(alone)
        let step = try #require(resumed.resumedStep)
        #expect((2..<10).contains(step))
        #expect(try resumed.outcome.get().resumedStep == step)
    }

    private static func unlike(_ world: VideoEngineWorld) async throws {
        var pass = try pass(world, ["a", "b"])
        pass[1].numInferenceSteps += 1
        let run = try await world.generate(pass)
        for command in pass {
            guard case .rejectedInput = run[command.id]?.error else {
                Issue.record("ended with \(String(describing: run[command.id]?.error))")
                continue
            }
            #expect(run[command.id]?.reports.isEmpty == true)
        }
        try await world.expectUsable()
    }

    private static func unusableCompanion(_ world: VideoEngineWorld) async throws {
        let pass = try pass(world, ["a", "b"])
        try Data("precious".utf8).write(to: URL(filePath: pass[1].output))
        let run = try await world.generate(pass)
        #expect(try run[pass[0].id]?.outcome.get().file == pass[0].output)
        #expect(run[pass[1].id]?.error?.advice == .giveUp)
        #expect(try Data(contentsOf: URL(filePath: pass[1].output)) == Data("precious".utf8))
    }

    // MARK: Overlap

    /// Makes one video, and another from the moment on at which only the first one's file is missing.
    ///
    /// - Parameters:
    ///   - first: takes long to be written.
    ///   - second: what is made meanwhile.
    ///   - world: where.
    ///   - meet: called when both are at it.
    /// - Returns: what became of both, and in which order.
    /// - Throws: what a run throws.
    private static func overlapping(
        _ first: GenerateCommand,
        _ second: GenerateCommand,
        in world: VideoEngineWorld,
        meet: @escaping @Sendable () async -> Void = {}
    ) async throws -> (first: VideoEngineWorld.Run, second: VideoEngineWorld.Run, order: [String]) {
        let order = Noted<[String]>([])
        async let one = {
            let run = try await world.generate(first, interruptedBy: nil) { report in
                if report == .released { order.append("released") }
            }
            order.append("first")
            return run
        }()
        try await EngineFixture.wait(for: "the release") { order.value.contains("released") }
        let two = try await world.generate(second, interruptedBy: .action(meet))
        order.append("second")
        return (try await one, two, order.value)
    }

    private static func overlap(_ world: VideoEngineWorld) async throws {
        let first = try world.command("@write=0.5")
        let second = try world.command("@step=0.2", steps: 10)
        let result = try await overlapping(first, second, in: world)
        #expect(try result.first.outcome.get().file == first.output)
        #expect(try result.second.outcome.get().file == second.output)
        #expect(result.order == ["released", "first", "second"])
        // The third waits with its file for the second's.
        let slow = try world.command("@write=0.5 again")
        let quick = try world.command(steps: 1)
        let turned = try await overlapping(slow, quick, in: world)
        #expect(try turned.first.outcome.get().file == slow.output && turned.second.outcome.get().file == quick.output)
        #expect(turned.order.last == "second")
    }

    private static func cancelWriting(_ world: VideoEngineWorld) async throws {
        let first = try world.command("@write=100")
        let second = try world.command("@step=0.05", steps: 10)
        let result = try await overlapping(first, second, in: world) { world.engine.cancel(id: first.id) }
        #expect(result.first.error == .cancelled)
        world.expectNothing(of: first)
        #expect(try result.second.outcome.get().file == second.output)
        try await world.expectUsable()
    }

    private static func crashBoth(_ world: VideoEngineWorld) async throws {
        let first = try world.command("@write=100")
        let second = try world.command("@crash", steps: 10)
        let result = try await overlapping(first, second, in: world)
        #expect(result.first.error?.code == "engine_crashed" && result.second.error?.code == "engine_crashed")
        world.expectNothing(of: first)
        world.expectNothing(of: second)
        try await world.expectUsable()
    }

    private static func writeFull(_ world: VideoEngineWorld) async throws {
        let command = try world.command("@write-full")
        let run = try await world.generate(command)
        #expect(run.error?.code == "disk_full" && run.reports.contains(.released))
        world.expectNothing(of: command)
        try await world.expectUsable()
    }

    private static func shutdownWhileWriting(_ world: VideoEngineWorld) async throws {
        let first = try world.command("@write=1")
        let second = try world.command("@step=0.05", steps: 100)
        let result = try await overlapping(first, second, in: world) { await world.shutDown() }
        #expect(try result.first.outcome.get().file == first.output)
        #expect(result.second.error?.code == "engine_stopped")
        #expect(world.processID() == nil)
    }

    private static func peak(_ world: VideoEngineWorld) async throws {
        let video = try await world.generate(world.command("@peak=123456789")).outcome.get()
        #expect(video.peakBytes == 123_456_789)
        #expect(try await world.generate(world.command()).outcome.get().peakBytes == nil)
    }
}
