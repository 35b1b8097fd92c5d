import Engine
import Foundation
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import TestSupport
import Testing

@Suite("Scheduling: going on where it was")
struct ResumeTests {
    private static func settings(_ change: (inout SchedulingSettings) -> Void = { _ in }) -> SchedulingSettings {
        var settings = SchedulingSettings.quick
        settings.checkpointSteps = 2
        settings.previewSteps = 1
        settings.preemption = PreemptionPolicy(leastRun: .zero)
        change(&settings)
        return settings
    }

    /// What is left in the workspace.
    private static func leftovers(_ world: SchedulerWorld) throws -> [String] {
        try ["checkpoints", "previews"].flatMap {
            try FileManager.default.contentsOfDirectory(atPath: "\(world.directory)/\($0)")
        }
    }

    @Test("After a crash the next attempt has the same checkpoint, and nothing is left at the end")
    func crash() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        try await SchedulerWorld.with([engine], settings: Self.settings()) { world in
            let id = try await world.submit("a cat", steps: 10).task.id
            for _ in 0..<7 { engine.step() }
            _ = try await eventually("step 7") {
                try await world.scheduler.task(id, of: .standard)?.generation.progress.flatMap {
                    $0.step == 7 ? $0 : nil
                }
            }
            // It is written after the step was told.
            _ = try await eventually("the preview of step 7") {
                try await world.scheduler.preview(of: id, of: .standard)?.bytes == Array("preview 7".utf8) ? true : nil
            }
            #expect(try await world.scheduler.preview(of: id, of: TenantID(rawValue: "other")) == nil)
            engine.fail(.crashed(message: "killed"))
            let task = try await world.task(id, reaches: .succeeded)
            #expect(task.generation.attempts == 2)
            let name = try task.video
            let sidecar = try #require(try await world.results.sidecar(of: name))
            let facts = try #require(try JSONSerialization.jsonObject(with: sidecar) as? [String: Any])
            #expect(facts["resumed_step"] as? Int == 6)
            #expect(Set(engine.commands.map(\.checkpoint?.file)).count == 1)
            _ = try await eventually("the workspace is empty") { try Self.leftovers(world).isEmpty ? true : nil }
            #expect(try await world.scheduler.preview(of: id, of: .standard) == nil)
        }
    }

    @Test("A shutdown waits for the checkpoint, and the generation is back in the queue")
    func shutdown() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        try await SchedulerWorld.with([engine], settings: Self.settings()) { world in
            let id = try await world.submit("a cat", steps: 10).task.id
            for _ in 0..<5 { engine.step() }
            _ = try await eventually("step 5") {
                try await world.scheduler.task(id, of: .standard)?.generation.progress.flatMap {
                    $0.step == 5 ? $0 : nil
                }
            }
            await world.group.triggerGracefulShutdown()
            let task = try await world.task(id, reaches: .queued)
            #expect(task.generation.failures == 0)
            let file = try #require(engine.commands.first?.checkpoint?.file)
            #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("5 "))
        }
    }

    @Test("Urgent work takes the place of less urgent work, which goes on afterwards from where it was")
    func preemption() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual, .success(), .success())
        try await SchedulerWorld.with([engine], settings: Self.settings()) { world in
            let slow = try await world.submit("slow", steps: 10, priority: .batch).task.id
            for _ in 0..<3 { engine.step() }
            _ = try await eventually("step 3") {
                try await world.scheduler.task(slow, of: .standard)?.generation.progress.flatMap {
                    $0.step == 3 ? $0 : nil
                }
            }
            let urgent = try await world.submit("urgent", priority: .interactive).task.id
            _ = try await world.task(urgent, reaches: .succeeded)
            let task = try await world.task(slow, reaches: .succeeded)
            #expect(task.generation.attempts == 2 && task.generation.failures == 0)
            #expect(engine.commands.map(\.prompt) == ["slow", "urgent", "slow"])
        }
    }

    @Test("Who joins a running generation makes it as urgent as itself")
    func raised() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual, .success())
        try await SchedulerWorld.with([engine], settings: Self.settings()) { world in
            let slow = try await world.submit("slow", priority: .batch).task.id
            engine.step()
            _ = try await world.task(slow, reaches: .running)
            #expect(try await world.submit("slow", priority: .interactive).disposition == .joined)
            let urgent = try await world.submit("urgent", priority: .interactive).task.id
            engine.succeed()
            _ = try await world.task(urgent, reaches: .succeeded)
            #expect(engine.commands.map(\.prompt) == ["slow", "urgent"])
            #expect(try await world.task(slow, reaches: .succeeded).generation.attempts == 1)
        }
    }

    @Test("Equal priorities wait for each other")
    func noPreemption() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual, .success())
        try await SchedulerWorld.with([engine], settings: Self.settings()) { world in
            let first = try await world.submit("first").task.id
            engine.step()
            let second = try await world.submit("second").task.id
            engine.succeed()
            _ = try await world.task(first, reaches: .succeeded)
            _ = try await world.task(second, reaches: .succeeded)
            #expect(engine.commands.map(\.prompt) == ["first", "second"])
        }
    }

    @Test("Where checkpoints and previews are off, the engine is asked for none")
    func off() async throws {
        let engine = ScriptedEngine()
        let settings = Self.settings {
            $0.checkpointSteps = 0
            $0.previewSteps = 0
        }
        try await SchedulerWorld.with([engine], settings: settings) { world in
            _ = try await world.video(of: "a cat")
            #expect(engine.commands.allSatisfy { $0.checkpoint == nil && $0.preview == nil })
        }
    }
}
