import Foundation
import TestSupport
import Testing

@testable import Engine

/// What is left of a generation whose process ends, and how soon another is there.
extension PythonEngineTests {
    private static func command(
        _ world: VideoEngineWorld,
        checkpoint: String,
        every: Int
    ) throws -> GenerateCommand {
        var command = try world.command("@step=0.05", steps: 40)
        command.checkpoint = .init(file: checkpoint, every: every)
        return command
    }

    private static func content(_ video: EngineVideo) throws -> Data {
        try Data(contentsOf: URL(filePath: video.file))
    }

    @Test("A generation whose engine is killed goes on from its last checkpoint, to an equal video")
    func resumesAfterKill() async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            let file = world.directory + "/checkpoint"
            let run = try await world.generate(
                Self.command(world, checkpoint: file, every: 2),
                interruptedBy: .action { kill(try #require(world.processID()), SIGKILL) },
                atStep: 7
            )
            #expect(run.error?.code == "engine_crashed")
            try await world.waitUntilReady()
            let resumed = try await world.generate(Self.command(world, checkpoint: file, every: 2))
            let video = try resumed.outcome.get()
            #expect(video.resumedStep >= 6 && video.resumedStep < 40 && video.resumedStep.isMultiple(of: 2))
            #expect(resumed.resumedStep == video.resumedStep)
            let whole = try await world.generate(Self.command(world, checkpoint: file + ".other", every: 2))
            #expect(try Self.content(video) == Self.content(whole.outcome.get()))
        }
    }

    @Test("A shutdown in the middle leaves a checkpoint, and the next server's engine goes on from it")
    func resumesAfterShutdown() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory + "/checkpoint"
            try await VideoEngineWorld.process(Self.timed()) { world in
                let run = try await world.generate(
                    Self.command(world, checkpoint: file, every: 100),
                    interruptedBy: .action { await world.shutDown() },
                    atStep: 3
                )
                #expect(run.error?.code == "engine_stopped")
            }
            try await VideoEngineWorld.process(Self.timed()) { world in
                let run = try await world.generate(Self.command(world, checkpoint: file, every: 100))
                let video = try run.outcome.get()
                #expect((3..<40).contains(video.resumedStep) && run.resumedStep == video.resumedStep)
            }
        }
    }

    @Test("A process that somebody else ends politely gives up its generation with a checkpoint")
    func yieldsToSignal() async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            let command = try Self.command(world, checkpoint: world.directory + "/checkpoint", every: 100)
            let run = try await world.generate(
                command,
                interruptedBy: .action { kill(try #require(world.processID()), SIGTERM) },
                atStep: 3
            )
            #expect(run.error?.advice == .retryUncounted, "\(String(describing: run.error))")
            world.expectNothing(of: command)
            #expect(FileManager.default.fileExists(atPath: world.directory + "/checkpoint"))
            try await world.expectUsable()
        }
    }

    @Test("An engine that lost memory is replaced without a pause")
    func replacesAtOnce() async throws {
        var settings = try Self.timed()
        // Longer than the test waits.
        settings.backOff.first = .seconds(600)
        settings.backOff.cap = .seconds(600)
        try await VideoEngineWorld.process(settings) { world in
            let first = try #require(world.processID())
            let run = try await world.generate(world.command("@oom @oom-leak"))
            #expect(run.error?.code == "out_of_memory")
            try await world.expectUsable()
            #expect(world.processID() != first)
        }
    }
}
