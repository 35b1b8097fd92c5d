import Engine
import Foundation
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@Suite("Dispatch")
struct DispatchTests {
    @Test("While a file is written the engine works on the next generation")
    func overlap() async throws {
        let engine = ScriptedEngine()
        engine.plan(.success(write: .seconds(60)), .manual)
        try await SchedulerWorld.with([engine]) { world in
            let first = try await world.submit("first").task.id
            let second = try await world.submit("second").task.id
            // While the first is on the device, it would be told that.
            _ = try await world.task(second, reaches: .running)
            engine.step()
            _ = try await eventually("a step of the second") {
                try await world.scheduler.task(second, of: .standard)?.generation.progress.flatMap {
                    $0.step == 1 ? $0 : nil
                }
            }
            #expect(try await world.scheduler.task(first, of: .standard)?.status == .running)
            _ = try await world.scheduler.cancel(first, of: .standard)
            engine.succeed()
            _ = try await world.task(second, reaches: .succeeded)
        }
    }

    @Test("Requests that differ in prompt and seed alone share a pass; each has its own progress, end and cancel")
    func batch() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        var settings = SchedulingSettings.quick
        settings.batch = BatchPolicy(size: 3, window: .zero)
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let blocker = try await world.submit("blocker").task.id
            // What comes before it runs would share its pass.
            _ = try await world.task(blocker, reaches: .running)
            let ids = try await ["a", "@hang b", "c", "d"].asyncMap { try await world.submit($0).task.id }
            let other = try await world.submit("other", steps: 5).task.id
            engine.succeed()
            _ = try await world.task(blocker, reaches: .succeeded)
            _ = try await world.task(ids[1], reaches: .running)
            #expect(try await world.scheduler.task(ids[3], of: .standard)?.status == .queued)
            _ = try await world.scheduler.cancel(ids[1], of: .standard)
            for id in [ids[0], ids[2], ids[3], other] { _ = try await world.task(id, reaches: .succeeded) }
            #expect(engine.commands.map(\.prompt) == ["blocker", "a", "@hang b", "c", "d", "other"])
        }
    }

    @Test("Who wants the same pixels every time shares no pass")
    func deterministic() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        var settings = SchedulingSettings.quick
        settings.batch = BatchPolicy(size: 8, window: .zero)
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let blocker = try await world.submit("blocker").task.id
            // What comes before it runs would share its pass.
            _ = try await world.task(blocker, reaches: .running)
            let alone = try await world.submit("@hang alone", isDeterministic: true).task.id
            let next = try await world.submit("next").task.id
            engine.succeed()
            _ = try await world.task(blocker, reaches: .succeeded)
            _ = try await world.task(alone, reaches: .running)
            #expect(try await world.scheduler.task(next, of: .standard)?.status == .queued)
            _ = try await world.scheduler.cancel(alone, of: .standard)
            _ = try await world.task(next, reaches: .succeeded)
        }
    }

    @Test("A tenant with many requests delays another one's by no more than what runs")
    func fairness() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        try await SchedulerWorld.with([engine]) { world in
            let many = TenantID(rawValue: "many")
            let first = try await world.submit("first", tenant: many).task.id
            for index in 0..<20 { _ = try await world.submit("many \(index)", tenant: many) }
            let single = try await world.submit("single").task.id
            engine.succeed()
            _ = try await world.task(single, reaches: .succeeded)
            let place = try #require(engine.commands.map(\.prompt).firstIndex(of: "single"))
            #expect(place <= 2)
            // Its end is recorded beside the work on the next.
            _ = try await world.task(first, of: many, reaches: .succeeded)
        }
    }

    @Test("A device that drains, and a server that does, start nothing; afterwards they go on")
    func draining() async throws {
        let (one, other) = (ScriptedEngine(device: "cuda:0"), ScriptedEngine(device: "cuda:1"))
        try await SchedulerWorld.with([one, other]) { world in
            try await world.scheduler.setDraining(true, device: "cuda:0")
            for prompt in ["a", "b", "c"] {
                _ = try await world.task(try await world.submit(prompt).task.id, reaches: .succeeded)
            }
            #expect(one.commands.isEmpty && other.commands.count == 3)
            #expect(world.scheduler.devices().map(\.state) == [.draining, .ready])

            try await world.scheduler.setDraining(true, device: nil)
            let waits = try await world.submit("waits").task.id
            #expect(try await world.scheduler.queueStatus().isDraining)
            #expect(try await world.scheduler.task(waits, of: .standard)?.status == .queued)
            try await world.scheduler.setDraining(false, device: nil)
            _ = try await world.task(waits, reaches: .succeeded)
            #expect(one.commands.isEmpty)
            try await world.scheduler.setDraining(false, device: "cuda:0")
            #expect(world.scheduler.devices().map(\.state) == [.ready, .ready])
            await #expect(throws: AdmissionError.deviceUnknown) {
                try await world.scheduler.setDraining(true, device: "cuda:7")
            }
        }
    }

    @Test("The model of an idle engine leaves the device, and comes back with work")
    func park() async throws {
        let engine = ScriptedEngine()
        var settings = SchedulingSettings.quick
        settings.scaling = EngineScalingPolicy(minEngines: 0, parkAfter: .milliseconds(20))
        try await SchedulerWorld.with([engine], settings: settings) { world in
            _ = try await world.task(try await world.submit("a cat").task.id, reaches: .succeeded)
            _ = try await eventually("its model is moved") { engine.parkCount > 0 ? true : nil }
            _ = try await world.task(try await world.submit("a dog").task.id, reaches: .succeeded)
        }
    }

    @Test("An engine that sleeps is woken by work, and falls asleep again without any")
    func sleep() async throws {
        let engine = ScriptedEngine(state: .asleep(EngineFixture.description))
        var settings = SchedulingSettings.quick
        settings.scaling = EngineScalingPolicy(minEngines: 0, sleepAfter: .milliseconds(20))
        try await SchedulerWorld.with([engine], settings: settings) { world in
            for prompt in ["a cat", "a dog"] {
                _ = try await world.task(try await world.submit(prompt).task.id, reaches: .succeeded)
                _ = try await eventually("it sleeps again") {
                    if case .asleep = engine.state { true } else { nil }
                }
            }
            #expect(world.scheduler.obstacles().isEmpty)
        }
    }

    @Test("What waits has a place and a predicted end, what runs a predicted end, what has ended neither")
    func outlook() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual, .success(), .success())
        try await SchedulerWorld.with([engine]) { world in
            let first = try await world.submit("first").task.id
            _ = try await world.task(first, reaches: .running)
            let second = try await world.submit("second").task
            let third = try await world.submit("third").task
            #expect(world.scheduler.outlook(for: third).etaSeconds != nil)
            _ = try await eventually("places") {
                let places = [second, third].map { world.scheduler.outlook(for: $0).queuePosition }
                return places == [1, 2] ? places : nil
            }
            let running = try #require(try await world.scheduler.task(first, of: .standard))
            let outlook = try await eventually("a predicted end of what runs") {
                let outlook = world.scheduler.outlook(for: running)
                return outlook.etaSeconds == nil ? nil : outlook
            }
            #expect(outlook.queuePosition == nil)
            // Both of one look at the queue, sooner or later.
            _ = try await eventually("the order of the ends") {
                let ends = [second, third].compactMap { world.scheduler.outlook(for: $0).etaSeconds }
                return ends.count == 2 && ends[0] < ends[1] ? ends : nil
            }
            engine.succeed()
            let ended = try await world.task(third.id, reaches: .succeeded)
            #expect(world.scheduler.outlook(for: ended) == .none)
        }
    }

    @Test("Under load, less is made for those who allow it; the video answers for what it is, and never for the whole")
    func degradation() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        var settings = SchedulingSettings.quick
        settings.degradation = DegradationPolicy(ladder: [.init(afterWait: .zero, action: .steps(0.5))])
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let blocker = try await world.submit("blocker").task.id
            let whole = try await world.submit("whole", steps: 20).task.id
            let less = try await world.submit(
                "less", steps: 20,
                change: {
                    $0.degrade = "allow"
                    $0.minSteps = 12
                }
            ).task.id
            engine.succeed()
            _ = try await world.task(blocker, reaches: .succeeded)
            let made = try await world.task(less, reaches: .succeeded)
            _ = try await world.task(whole, reaches: .succeeded)
            let steps = Dictionary(uniqueKeysWithValues: engine.commands.map { ($0.prompt, $0.numInferenceSteps) })
            #expect(steps["whole"] == 20 && steps["less"] == 12)
            let degradation = try #require(Degradation(of: made.generation))
            #expect(degradation.steps == .init(asked: 20, made: 12))
            #expect(degradation.reason == .load)
            // What the video and the file beside it say is what was made.
            let comment = engine.commands.first { $0.prompt == "less" }?.metadata?.comment
            #expect(comment?.contains("num_inference_steps=12;") == true)
            let name = try #require(VideoName(made.generation.result?.video ?? ""))
            let sidecar = String(decoding: try #require(try await world.results.sidecar(of: name)), as: UTF8.self)
            #expect(sidecar.contains(#""num_inference_steps":12,"#) && sidecar.contains(#""degraded":true"#))
            #expect(try await world.submit("less", steps: 12).disposition == .cached)
            #expect(try await world.submit("less", steps: 20).disposition == .queued)
        }
    }

    @Test("Who would wait for too long is refused, with the time to come again; who needs no place is not")
    func admission() async throws {
        let engine = ScriptedEngine()
        engine.plan(.manual)
        var settings = SchedulingSettings.quick
        settings.admission = AdmissionPolicy(maxWaiting: 2, maxWait: nil)
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let running = try await world.submit("running").task.id
            _ = try await world.task(running, reaches: .running)
            for prompt in ["a", "b"] { #expect(try await world.submit(prompt).disposition == .queued) }
            await #expect {
                try await world.submit("c")
            } throws: { error in
                guard case .refused("queue_full", _, let retryAfter)? = error as? AdmissionError else { return false }
                return retryAfter >= .seconds(1)
            }
            #expect(try await world.submit("a").disposition == .joined)
            engine.succeed()
        }
    }

    @Test("A lack of memory on a small device is made good on a larger one")
    func largerDevice() async throws {
        var large = EngineFixture.description
        large.memoryBytes *= 10
        let small = ScriptedEngine(device: "cuda:0")
        let roomy = ScriptedEngine(device: "cuda:1", description: large, state: .asleep(large))
        try await SchedulerWorld.with([small, roomy]) { world in
            let id = try await world.submit("@oom=full,model_offload,model_offload_8bit,sequential_offload a").task.id
            _ = try await world.task(id, reaches: .failed)
            #expect(small.commands.count == 4)
            #expect(!roomy.commands.isEmpty)
        }
    }
}

extension Sequence where Self: Sendable {
    /// One after the other.
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
