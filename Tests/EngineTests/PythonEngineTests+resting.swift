import Foundation
import TestSupport
import Testing

@testable import Engine

/// Processes that rest, and files that are written while they end.
extension PythonEngineTests {
    @Test("An engine that is put to sleep before it runs has no process until it is woken")
    func startsAsleep() async throws {
        let engine = PythonEngine(settings: try Self.timed())
        engine.sleep()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.run() }
            defer { engine.shutDown() }
            #expect(engine.state == .asleep(nil) && engine.processID == nil)
            engine.wake()
            try await EngineFixture.wait(for: "ready") { engine.state.description != nil }
            #expect(engine.processID != nil)
        }
    }

    @Test("A sleeper can be woken again and again, and shut down", arguments: [0, 1, 5])
    func shutsDownSleeper(turns: Int) async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            for _ in 0..<turns {
                world.engine.sleep()
                world.engine.wake()
                try await world.waitUntilReady()
            }
            world.engine.sleep()
            await world.shutDown()
            #expect(world.engine.state == .stopped && world.processID() == nil)
        }
    }

    @Test("An engine that crashes while it writes has crashed once, and the file is not there")
    func crashesWhileWriting() async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            // It does so once, and leaves the mark that it has beside the folder of its output.
            var command = try world.command("@crash-write")
            let folder = world.directory + "/videos"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            command.output = folder + "/video.mp4"
            let run = try await world.generate(command)
            #expect(run.error?.code == "engine_crashed" && run.reports.contains(.released))
            world.expectNothing(of: command)
            try await world.waitUntilReady()
            #expect(try await world.generate(command).outcome.get().file == command.output)
        }
    }

    @Test("A process that somebody else ends politely finishes what it writes")
    func finishesForSignal() async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            let command = try world.command("@write=0.5")
            let process = try #require(world.processID())
            let run = try await world.generate(command) { report in
                if report == .released { kill(process, SIGTERM) }
            }
            #expect(try run.outcome.get().file == command.output)
            try await EngineFixture.wait(for: "another process") { world.processID().map { $0 != process } ?? false }
            try await world.expectUsable()
        }
    }
}
