import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// What only a process can do to its server, and the server to it.
@Suite("Engine process")
struct PythonEngineTests {
    static func timed() throws -> EngineSettings {
        try EngineFixture.settings(.timed(stepSeconds: 0.002))
    }

    private static func fault(_ engine: any VideoEngine) -> EngineFault? {
        if case .restarting(let fault) = engine.state { fault } else { nil }
    }

    @Test(
        "A hang is killed by the deadline that was learned, and the engine comes back",
        arguments: ["@hang", "@hang-hard"]
    )
    func killsHang(prompt: String) async throws {
        var settings = try Self.timed()
        settings.stall.floor = .milliseconds(500)
        try await VideoEngineWorld.process(settings) { world in
            // Teaches it what a step takes.
            try await world.expectUsable()
            let command = try world.command(prompt)
            let run = try await world.generate(command)
            guard case .stalled = run.error else {
                Issue.record("ended with \(String(describing: run.error))")
                return
            }
            world.expectNothing(of: command)
            try await world.expectUsable()
        }
    }

    @Test("Slow steps are no hang")
    func toleratesSlowSteps() async throws {
        var settings = try Self.timed()
        settings.stall.floor = .milliseconds(1)
        // Where this process is held up, two steps may be heard of at almost the same moment.
        settings.stall.factor = 1_000_000
        try await VideoEngineWorld.process(settings) { world in
            let run = try await world.generate(world.command("@step=0.2"))
            #expect(try run.outcome.get().numFrames == 5)
        }
    }

    @Test("An engine that is killed in the middle has crashed, once, and is ready again")
    func survivesKill() async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            let command = try world.command("@step=0.05", steps: 100)
            // What an engine that is killed while it writes would leave.
            let part = command.output + ".part"
            let run = try await world.generate(
                command,
                interruptedBy: .action {
                    try Data("half".utf8).write(to: URL(filePath: part))
                    kill(try #require(world.processID()), SIGKILL)
                }
            )
            guard case .crashed(let message) = run.error else {
                Issue.record("ended with \(String(describing: run.error))")
                return
            }
            #expect(message.contains("signal 9"))
            world.expectNothing(of: command)
            try await world.expectUsable()
        }
    }

    @Test("An idle engine that dies is replaced")
    func replacesIdle() async throws {
        try await VideoEngineWorld.process(Self.timed()) { world in
            let first = try #require(world.processID())
            kill(first, SIGTERM)
            try await EngineFixture.wait(for: "another process") {
                world.processID().map { $0 != first } ?? false
            }
            try await world.expectUsable()
        }
    }

    @Test("After a shutdown neither the process nor its group is left, even if it hangs", arguments: [false, true])
    func leavesNothing(hangs: Bool) async throws {
        var settings = try Self.timed()
        settings.stopDeadline = .milliseconds(300)
        try await VideoEngineWorld.process(settings) { world in
            let leader = try #require(world.processID())
            #expect(killpg(leader, 0) == 0)
            let prompt = hangs ? "@hang-hard" : "@step=0.05"
            let run = try await world.generate(
                // More than a busy machine can have behind it when the shutdown comes.
                world.command(prompt, steps: 100),
                interruptedBy: .action { await world.shutDown() }
            )
            #expect(run.error?.code == "engine_stopped")
            #expect(kill(leader, 0) != 0 && killpg(leader, 0) != 0)
        }
    }

    @Test("What a dead engine started is ended with it")
    func endsDescendants() async throws {
        try await withTemporaryDirectory { directory in
            var settings = try Self.timed()
            let note = directory + "/descendant"
            // A program that leaves a child behind, which holds the channel and the log, and ends.
            settings.python = "/bin/sh"
            settings.moduleArguments = ["-c", "sleep 1000 & echo $! > \(note); sleep 0.1; exit 7"]
            settings.backOff.first = .seconds(60)
            settings.backOff.cap = .seconds(60)
            let engine = PythonEngine(settings: settings)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await engine.run() }
                defer { engine.shutDown() }
                try await EngineFixture.wait(for: "its end") { Self.fault(engine)?.message.contains("7") ?? false }
                let descendant = try #require(
                    Int32(String(contentsOfFile: note, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
                )
                try await EngineFixture.wait(for: "the descendant's end") {
                    // It may stay a zombie where nobody reaps orphans.
                    kill(descendant, 0) != 0
                        || (try? String(contentsOfFile: "/proc/\(descendant)/stat", encoding: .utf8))?.contains(") Z")
                            ?? true
                }
            }
        }
    }

    @Test(
        "An engine that cannot work says why, again and again",
        arguments: ["no-such-directory", "org/no-such-model-here"]
    )
    func showsRefusal(model: String) async throws {
        var settings = try EngineFixture.settings(.models([model]))
        settings.environment["HF_HUB_OFFLINE"] = "1"
        try await Self.withUnready(settings) { engine in
            try await EngineFixture.wait(for: "a refusal") { Self.fault(engine)?.code == "model_not_found" }
            let error = await #expect(throws: EngineError.self) {
                try await engine.generate(EngineFixture.command(in: "/nowhere")) { _ in }
            }
            #expect(error?.code == "model_not_found" && error?.advice == .retryUncounted)
        }
    }

    @Test("A device that is not there is refused by name")
    func showsMissingDevice() async throws {
        var settings = try EngineFixture.settings(.models([EngineFixture.tinyModel()]))
        settings.device = "cuda:99"
        try await Self.withUnready(settings) { engine in
            try await EngineFixture.wait(for: "a refusal") { Self.fault(engine)?.code == "device_unavailable" }
        }
    }

    @Test("What is no interpreter, or none with an engine, is a fault that says what to do")
    func showsInstallation() async throws {
        var settings = try Self.timed()
        settings.python = "/nowhere/python"
        try await Self.withUnready(settings) { engine in
            try await EngineFixture.wait(for: "a fault") { Self.fault(engine)?.code == "engine_not_startable" }
            #expect(Self.fault(engine)?.message.contains("/nowhere/python") == true)
        }
        settings = try Self.timed()
        settings.moduleArguments = ["-m", "no_such_module"]
        try await Self.withUnready(settings) { engine in
            try await EngineFixture.wait(for: "its last words") {
                Self.fault(engine)?.log.joined().contains("No module named no_such_module") ?? false
            }
            #expect(Self.fault(engine)?.code == "engine_crashed")
        }
    }

    @Test("A program that never says hello is killed at the deadline")
    func killsMute() async throws {
        var settings = try Self.timed()
        settings.python = "/bin/sh"
        settings.moduleArguments = ["-c", "trap '' TERM; sleep 1000"]
        settings.startDeadline = .milliseconds(200)
        try await Self.withUnready(settings) { engine in
            try await EngineFixture.wait(for: "a fault") { Self.fault(engine)?.code == "engine_start_timeout" }
        }
    }

    @Test("Cancelling the service's task ends the process")
    func endsWhenCancelled() async throws {
        let engine = PythonEngine(settings: try Self.timed())
        let leader = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.run() }
            defer { group.cancelAll() }
            try await EngineFixture.wait(for: "ready") { engine.state.description != nil }
            return try #require(engine.processID)
        }
        #expect(engine.state == .stopped && killpg(leader, 0) != 0)
    }

    @Test("Two engines do not hold each other's channels")
    func keepsChannelsApart() async throws {
        try await VideoEngineWorld.process(Self.timed()) { first in
            try await VideoEngineWorld.process(Self.timed()) { second in
                kill(try #require(first.processID()), SIGKILL)
                try await second.expectUsable()
                try await first.expectUsable()
            }
        }
    }

    private static func withUnready(
        _ settings: EngineSettings,
        _ body: (PythonEngine) async throws -> Void
    ) async throws {
        let engine = PythonEngine(settings: settings)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.run() }
            defer { engine.shutDown() }
            try await body(engine)
        }
    }
}
