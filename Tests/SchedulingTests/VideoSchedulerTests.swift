import Engine
import Foundation
import Results
import Scheduling
import ServiceLifecycle
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("Scheduling")
struct VideoSchedulerTests {
    @Test("A request becomes a video")
    func success() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let submission = try await world.submit("a cat", seed: 5)
            #expect(submission.disposition == .queued)
            let task = try await world.task(submission.task.id, reaches: .succeeded)
            let result = try #require(task.generation.result)
            let name = try #require(VideoName(result.video))
            let stored = try #require(try await world.scheduler.video(name))
            #expect(stored.bytes == result.bytes)
            #expect(task.generation.attempts == 1)
            #expect(engine.commands.map(\.seed) == [5])
            #expect(!FileManager.default.fileExists(atPath: engine.commands[0].output))
        }
    }

    @Test("A seed that is left open is the same every time, and another for another request")
    func seeds() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            for prompt in ["@internal a", "@internal a", "@internal b"] {
                _ = try await world.task(try await world.submit(prompt).task.id, reaches: .failed)
            }
            let seeds = engine.commands.map(\.seed)
            #expect(Set(seeds.prefix(6)).count == 1)
            #expect(Set(seeds).count == 2)
        }
    }

    @Test("What was made is answered at once, and made again if its file is gone")
    func cache() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let first = try await world.task(try await world.submit("a cat").task.id, reaches: .succeeded)
            let second = try await world.submit("a cat")
            #expect(second.disposition == .cached)
            #expect(second.task.generation.result == first.generation.result)
            #expect(engine.commands.count == 1)

            let name = try #require(VideoName(first.generation.result?.video ?? ""))
            let path = world.path(of: name)
            try FileManager.default.removeItem(atPath: path)
            let third = try await world.submit("a cat")
            #expect(third.disposition == .queued)
            _ = try await world.task(third.task.id, reaches: .succeeded)
            #expect(engine.commands.count == 2)
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("A crash is tried again, and the task tells of two attempts")
    func crash() async throws {
        let engine = ScriptedEngine()
        engine.plan(.failure(.crashed(message: "gone")), .success())
        try await SchedulerWorld.with([engine]) { world in
            let task = try await world.task(try await world.submit("a cat").task.id, reaches: .succeeded)
            #expect(task.generation.attempts == 2)
            #expect(task.generation.failures == 1)
            #expect(task.generation.failure == nil)
            #expect(Set(engine.commands.map(\.id)).count == 2)
            #expect(Set(engine.commands.map(\.output)).count == 2)
        }
    }

    @Test(
        "Errors that may pass are tried until the limit, others not at all",
        arguments: [
            (EngineError.crashed(message: ""), 3), (.stalled(message: ""), 3),
            (.failed(code: "internal", message: ""), 3), (.rejectedInput(code: "prompt_too_long", message: ""), 1),
            (.storage(code: "disk_full", message: ""), 1),
        ]
    )
    func failures(error: EngineError, attempts: Int) async throws {
        let engine = ScriptedEngine { _ in .failure(error) }
        try await SchedulerWorld.with([engine]) { world in
            let task = try await world.task(try await world.submit("a cat").task.id, reaches: .failed)
            #expect(task.generation.failure?.code == error.code)
            #expect(task.generation.attempts == attempts)
            #expect(engine.commands.count == attempts)
        }
    }

    @Test("A model that does not load costs no task its attempts, and is said while it lasts")
    func loadFailure() async throws {
        let engine = ScriptedEngine()
        engine.plan(.failure(.loadFailed(code: "model_load_failed", message: "broken")), .success())
        try await SchedulerWorld.with([engine]) { world in
            let id = try await world.submit("a cat").task.id
            let obstacle = try await eventually("the obstacle is said") { world.scheduler.obstacles().first }
            #expect(obstacle.code == "model_load_failed")
            let waiting = try await world.task(id, reaches: .queued)
            #expect(waiting.generation.failures == 0)
            #expect(waiting.generation.failure?.code == "model_load_failed")
            _ = try await world.task(id, reaches: .succeeded)
            #expect(world.scheduler.obstacles().isEmpty)
        }
    }

    @Test("Tasks wait while no engine is there, and go on when one is")
    func unavailable() async throws {
        let fault = EngineFault(code: "dependencies_missing", message: "torch is missing")
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            _ = try await world.task(try await world.submit("first").task.id, reaches: .succeeded)
            engine.becomeUnavailable(fault)
            #expect(world.scheduler.obstacles() == [Obstacle(code: fault.code, message: fault.message)])
            let id = try await world.submit("second").task.id
            #expect(try await world.scheduler.task(id, of: .standard)?.status == .queued)
            engine.becomeReady()
            _ = try await world.task(id, reaches: .succeeded)
            #expect(world.scheduler.obstacles().isEmpty)
        }
    }

    @Test("Before any engine has described its model, nothing can be judged and the reason is said")
    func modelUnknown() async throws {
        let fault = EngineFault(code: "model_not_found", message: "nothing there")
        let engine = ScriptedEngine(state: .restarting(fault))
        try await SchedulerWorld.with([engine]) { world in
            #expect(throws: AdmissionError.modelUnknown(Obstacle(code: fault.code, message: fault.message))) {
                try world.scheduler.catalog()
            }
        }
        try await SchedulerWorld.with([]) { world in
            #expect(world.scheduler.obstacles().map(\.code) == ["no_engine"])
        }
    }

    @Test("Cancelling the last task stops the engine, and the next task has it")
    func cancel() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let hanging = try await world.submit("@hang").task.id
            let next = try await world.submit("next").task.id
            _ = try await world.task(hanging, reaches: .running)
            guard case .cancelled(_, abandoned: _?) = try await world.scheduler.cancel(hanging, of: .standard) else {
                Issue.record("nothing was abandoned")
                return
            }
            _ = try await world.task(next, reaches: .succeeded)
            #expect(try await world.scheduler.task(hanging, of: .standard)?.status == .cancelled)
        }
    }

    @Test("Cancelling one of two tasks leaves the engine at work for the other")
    func cancelOneOfTwo() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        try await SchedulerWorld.with([engine]) { world in
            let one = try await world.submit("shared").task.id
            let two = try await world.submit("shared").task.id
            _ = try await world.task(one, reaches: .running)
            _ = try await world.scheduler.cancel(one, of: .standard)
            engine.succeed()
            _ = try await world.task(two, reaches: .succeeded)
            #expect(engine.commands.count == 1)
        }
    }

    @Test("Progress is seen while the engine works")
    func progress() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        try await SchedulerWorld.with([engine]) { world in
            let id = try await world.submit("a cat", steps: 10).task.id
            for step in 1...3 {
                engine.step()
                _ = try await eventually("step \(step)") {
                    let progress = try await world.scheduler.task(id, of: .standard)?.generation.progress
                    return progress?.step == step ? progress : nil
                }
            }
            engine.succeed()
            _ = try await world.task(id, reaches: .succeeded)
        }
    }

    @Test("Two engines work at the same time, each on one generation")
    func twoEngines() async throws {
        let engines = [ScriptedEngine(device: "a"), ScriptedEngine(device: "b")]
        for engine in engines { engine.plan(.manual) }
        try await SchedulerWorld.with(engines) { world in
            var ids: [TaskID] = []
            for index in 0..<4 { ids.append(try await world.submit("\(index)").task.id) }
            _ = try await world.task(ids[0], reaches: .running)
            _ = try await world.task(ids[1], reaches: .running)
            #expect(try await world.scheduler.task(ids[2], of: .standard)?.status == .queued)
            _ = try await eventually("each engine has one") {
                engines.map(\.commands.count) == [1, 1] ? true : nil
            }
            for engine in engines { engine.succeed() }
            for id in ids { _ = try await world.task(id, reaches: .succeeded) }
            #expect(engines.map(\.commands.count).reduce(0, +) == 4)
        }
    }

    @Test("A worker that finds its lease lost stops its engine and takes other work")
    func lostLease() async throws {
        let engine = ScriptedEngine()
        var settings = SchedulingSettings.quick
        settings.leaseDuration = .milliseconds(300)
        // On a slow machine the lease may run out as well; that is not what this is about.
        settings.retries.maxFailures = 1000
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let id = try await world.submit("@hang").task.id
            _ = try await world.task(id, reaches: .running)
            // Past the scheduler, as another machine would: only the next renewal can tell.
            _ = try await world.store.cancel(id, of: .standard)
            let next = try await world.submit("next").task.id
            _ = try await world.task(next, reaches: .succeeded)
            #expect(try await world.scheduler.task(id, of: .standard)?.status == .cancelled)
        }
    }

    @Test("A shutdown puts running work back without blame")
    func shutdown() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let id = try await world.submit("@hang").task.id
            _ = try await world.task(id, reaches: .running)
            await world.group.triggerGracefulShutdown()
            let task = try await world.task(id, reaches: .queued)
            #expect(task.generation.attempts == 1)
            #expect(task.generation.failures == 0)
        }
    }

    @Test("Work that ends within the drain time ends well")
    func drain() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        var settings = SchedulingSettings.quick
        settings.drainTimeout = .seconds(20)
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let running = try await world.submit("running").task.id
            let waiting = try await world.submit("waiting").task.id
            _ = try await world.task(running, reaches: .running)
            await world.group.triggerGracefulShutdown()
            engine.succeed()
            _ = try await world.task(running, reaches: .succeeded)
            #expect(try await world.scheduler.task(waiting, of: .standard)?.status == .queued)
        }
    }

    @Test("A video that another checkpoint made answers no later request for the first")
    func replacedCheckpoint() async throws {
        let engine = ScriptedEngine()
        try await SchedulerWorld.with([engine]) { world in
            let request = try VideoRequest.fixture("a cat")
            // Stored while another checkpoint was loaded.
            let task = NewTask(
                id: TaskIDSource(clock: SystemClock()).next(),
                tenant: .standard,
                key: GenerationKey(rawValue: String(repeating: "0", count: 64)),
                request: request,
                seed: 1,
                model: EngineFixture.model.name
            )
            _ = try await world.store.submit(task, queueLimit: 10)
            _ = try await world.submit("wakes the dispatcher")
            let made = try await world.task(task.id, reaches: .succeeded)
            #expect(made.generation.model == EngineFixture.model.name)
            var again = task
            again.id = TaskIDSource(clock: SystemClock()).next()
            #expect(try await world.store.submit(again, queueLimit: 10).disposition == .queued)
        }
    }

    @Test("An equal idempotency key gives the first task, and another request under it is refused")
    func idempotency() async throws {
        try await SchedulerWorld.with([ScriptedEngine()]) { world in
            func submit(_ prompt: String) async throws(AdmissionError) -> Submission? {
                guard let video = try? VideoRequest.fixture(prompt) else { return nil }
                return try await world.scheduler.submit(
                    AdmissionRequest(
                        caller: .anybody,
                        video: video,
                        model: EngineFixture.model.name,
                        idempotencyKey: "key"
                    )
                )
            }
            _ = try await world.submit("the model is known")
            let first = try await submit("a cat")
            #expect(try await submit("a cat")?.task.id == first?.task.id)
            await #expect(throws: AdmissionError.self) { try await submit("a dog") }
        }
    }
}
