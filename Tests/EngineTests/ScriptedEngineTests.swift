import Engine
import TestSupport
import Testing

/// What other tests rely on when they play an engine.
@Suite("Scripted engine")
struct ScriptedEngineTests {
    @Test("A manual command does what it is told, when it is told, and hears what was said before it")
    func followsDirections() async throws {
        try await withTemporaryDirectory { directory in
            let engine = ScriptedEngine()
            engine.plan(.manual, .manual)
            engine.step()
            let world = VideoEngineWorld(engine: engine, directory: directory, processID: { nil }, shutDown: {})
            let command = EngineFixture.command(in: directory)
            let run = try await world.generate(command, interruptedBy: .action { engine.succeed() })
            #expect(try run.outcome.get().file == command.output)
            #expect(run.progress.filter { $0.stage == .denoise }.map(\.step) == [0, 1, 2, 3, 4])
            let second = EngineFixture.command(in: directory)
            engine.step()
            let failed = try await world.generate(second, interruptedBy: .action { engine.fail(.stalled(message: "")) })
            #expect(failed.error == .stalled(message: ""))
            #expect(engine.commands == [command, second])
            try await world.expectUsable()
        }
    }

    @Test("An engine that is taken down crashes what runs, refuses what comes, and takes commands once it is up")
    func goesDownAndComesUp() async throws {
        try await withTemporaryDirectory { directory in
            let engine = ScriptedEngine()
            let world = VideoEngineWorld(engine: engine, directory: directory, processID: { nil }, shutDown: {})
            engine.plan(.hang)
            let fault = EngineFault(code: "model_not_found", message: "gone")
            let run = try await world.generate(
                EngineFixture.command(in: directory),
                interruptedBy: .action { engine.becomeUnavailable(fault) }
            )
            #expect(run.error == .crashed(message: "gone") && engine.state == .restarting(fault))
            let refused = try await world.generate(EngineFixture.command(in: directory))
            #expect(refused.error == .unavailable(fault) && engine.commands.count == 1)
            engine.becomeReady()
            try await world.expectUsable()
        }
    }
}
