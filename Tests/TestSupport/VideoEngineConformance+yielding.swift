import Engine
import Foundation
import Testing

/// Giving up and going on.
extension VideoEngineConformance {
    /// A command with files beside its video, whose steps take long enough to be met by every engine.
    private static func periodic(
        _ world: VideoEngineWorld,
        steps: Int,
        pace: String = "0.05",
        checkpoint: String? = nil,
        every: Int = 2
    ) throws -> GenerateCommand {
        var command = try world.command("@step=\(pace)", steps: steps)
        command.checkpoint = .init(file: checkpoint ?? command.output + ".checkpoint", every: every)
        return command
    }

    private static func content(_ file: String?) throws -> Data {
        try Data(contentsOf: URL(filePath: #require(file)))
    }

    static func periodicFiles(_ world: VideoEngineWorld) async throws {
        var command = try periodic(world, steps: 5)
        command.preview = .init(file: command.output + ".webp", every: 2)
        let run = try await world.generate(command)
        #expect(try run.outcome.get().resumedStep == 0 && run.resumedStep == nil)
        let checkpoints = run.reports.compactMap { report -> Int? in
            if case .checkpointed(let step, let bytes) = report, bytes > 0 { step } else { nil }
        }
        #expect(checkpoints == [2, 4, 5])
        let previews = run.reports.compactMap { report -> (step: Int, bytes: Int64)? in
            if case .preview(let step, let bytes) = report { (step, bytes) } else { nil }
        }
        let steps = previews.map(\.step)
        #expect(steps == [2, 4] || (world.pacesPreviews && steps == [2]))
        let preview = try content(command.preview?.file)
        #expect(Int64(preview.count) == previews.last?.bytes)
        let left = try FileManager.default.contentsOfDirectory(atPath: world.directory).filter { $0.hasSuffix(".part") }
        #expect(left.isEmpty)
    }

    static func yieldAndResume(_ world: VideoEngineWorld) async throws {
        let whole = try await world.generate(periodic(world, steps: 12, pace: "0.2")).outcome.get()
        let first = try periodic(world, steps: 12, pace: "0.2", every: 50)
        let run = try await world.generate(first, interruptedBy: .yield, atStep: 3)
        #expect(run.error == .yielded && run.error?.advice == .retryUncounted)
        world.expectNothing(of: first)
        // It is free when the call returns.
        let second = try periodic(world, steps: 12, pace: "0.2", checkpoint: first.checkpoint?.file)
        let resumed = try await world.generate(second)
        let video = try resumed.outcome.get()
        let step = try #require(resumed.resumedStep)
        #expect((3..<12).contains(step) && video.resumedStep == step)
        #expect(resumed.progress.first { $0.stage == .denoise }?.step == step)
        #expect(try content(video.file) == content(whole.file))
    }

    static func yieldOfNothing(_ world: VideoEngineWorld) async throws {
        world.engine.yield(id: "unheard")
        let command = try periodic(world, steps: 4)
        let run = try await world.generate(command, interruptedBy: .action { world.engine.yield(id: "unheard") })
        #expect(try run.outcome.get().file == command.output)
        world.engine.yield(id: command.id)
        try await world.expectUsable()
    }

    static func foreignCheckpoint(_ world: VideoEngineWorld) async throws {
        let other = try periodic(world, steps: 4)
        _ = try await world.generate(other).outcome.get()
        let garbage = world.directory + "/garbage"
        try Data("no checkpoint".utf8).write(to: URL(filePath: garbage))
        for file in [try #require(other.checkpoint?.file), garbage] {
            var command = try periodic(world, steps: 4, checkpoint: file)
            command.seed = 8
            let before = try content(file)
            let run = try await world.generate(command)
            #expect(try run.outcome.get().resumedStep == 0 && run.resumedStep == nil)
            #expect(try content(file) != before)
        }
    }

    static func yieldHang(_ world: VideoEngineWorld) async throws {
        let command = try world.command("@hang")
        let run = try await world.generate(command, interruptedBy: .yield)
        #expect(run.error == .yielded)
        world.expectNothing(of: command)
        try await world.expectUsable()
    }
}
