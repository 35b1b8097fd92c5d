import Engine
import Foundation
import Results
import Scheduling
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("Scheduling: when there is no room")
struct MemoryLadderTests {
    @Test("A generation without room is tried again in the next mode, at no cost to its attempts")
    func nextMode() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let id = try await world.submit("@oom=full,model_offload a cat").task.id
            let task = try await world.task(id, reaches: .succeeded)
            #expect(engine.commands.map(\.memoryMode) == [.full, .modelOffload, .modelOffload8Bit])
            #expect(task.generation.failures == 0)
            #expect(task.generation.failure == nil)
            #expect(task.generation.result?.memoryMode == .modelOffload8Bit)
            // The video is whole, so an equal request is answered with it.
            #expect(try await world.submit("@oom=full,model_offload a cat").disposition == .cached)
        }
    }

    @Test("Without permission to degrade, the end of the ladder is the end, and the reason names the shape")
    func giveUp() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let task = try await world.task(try await world.submit("@oom a cat").task.id, reaches: .failed)
            #expect(engine.commands.map(\.memoryMode) == EngineMemoryMode.allCases)
            #expect(task.generation.failure?.code == "out_of_memory")
            #expect(task.generation.failure?.message.contains("64x64 with 5 frames") == true)
        }
    }

    @Test("With permission a smaller video is made, which says so and answers nobody else")
    func degrade() async throws {
        let engine = ScriptedEngine()
        engine.plan(
            .failure(.outOfMemory(.played)), .failure(.outOfMemory(.played)), .failure(.outOfMemory(.played)),
            .failure(.outOfMemory(.played)), .success()
        )
        try await SchedulerWorld.with([engine]) { world in
            let change: @Sendable (inout VideoRequest.Draft) -> Void = { draft in
                draft.degrade = "allow"
                draft.numFrames = 49
            }
            let id = try await world.submit("a cat", change: change).task.id
            let task = try await world.task(id, reaches: .succeeded)
            #expect(engine.commands.last?.numFrames == 25)
            #expect(engine.commands.last?.memoryMode == .sequentialOffload)
            #expect(task.generation.request.numFrames == 49)
            #expect(task.generation.result?.numFrames == 25)
            let name = try #require(VideoName(task.generation.result?.video ?? ""))
            let sidecar = try #require(try await world.results.sidecar(of: name))
            #expect(String(decoding: sidecar, as: UTF8.self).contains(#""degraded":true"#))
            #expect(engine.commands.last?.metadata?.comment.contains("num_frames=25;") == true)
            let again = try await world.submit("a cat", change: change)
            #expect(again.disposition == .queued)
            #expect(try await world.task(again.task.id, reaches: .succeeded).generation.result?.numFrames == 49)
        }
    }

    @Test("The operator's memory mode is used from the start")
    func wanted() async throws {
        var settings = SchedulingSettings.quick
        settings.memoryMode = .sequentialOffload
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine], settings: settings) { world in
            _ = try await world.video(of: "a cat")
            #expect(engine.commands.map(\.memoryMode) == [.sequentialOffload])
        }
    }

    @Test("A generation whose model is not served any more fails and says so")
    func modelGone() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            var task = try NewTask.fixture("a cat")
            task.model = "another"
            _ = try await world.store.submit(task, queueLimit: 10)
            // Wakes the dispatcher.
            try await world.scheduler.setDraining(false, device: nil)
            let ended = try await world.task(task.id, reaches: .failed)
            #expect(ended.generation.failure?.code == "model_unavailable")
            #expect(engine.commands.isEmpty)
        }
    }
}
