import Engine
import Foundation
import Results
import Tasks
import TasksSQLite
import TestSupport
import Testing

@testable import Scheduling

@Suite("Several processes")
struct DeploymentTests {
    @Test("What is submitted to a process without engines is made by another, and shown as it goes")
    func submitting() async throws {
        let engine = ScriptedEngine(device: "cuda:0") { _ in .manual }
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            _ = try world.start("gpu-1", [engine])
            let task = try await world.submit("a", to: api)
            engine.step()
            try await world.task(task.id, reaches: .running, at: api)
            let busy = try await eventually("the work is shown") {
                api.scheduler.devices().first { $0.engines.first?.work?.progress?.step == 1 }
            }
            #expect(busy.id == "gpu-1/cuda:0")
            let running = try #require(try await api.scheduler.task(task.id, of: .standard))
            #expect(api.scheduler.outlook(for: running).etaSeconds != nil)
            #expect(try await api.scheduler.queueStatus().running == 1)
            #expect(api.scheduler.obstacles().isEmpty && api.scheduler.unreadiness().isEmpty)
            engine.succeed()
            try await world.task(task.id, reaches: .succeeded, at: api)
        }
    }

    @Test("A cancel at one process stops the device of another")
    func cancelling() async throws {
        let engine = ScriptedEngine { _ in .hang }
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            let worker = try world.start("gpu-1", [engine])
            let task = try await world.submit("a", to: api)
            try await world.task(task.id, reaches: .running, at: api)
            _ = try await eventually("it runs") { worker.scheduler.ownRunning == 1 ? true : nil }
            _ = try await api.scheduler.cancel(task.id, of: .standard)
            _ = try await eventually("the device is free") {
                worker.scheduler.ownRunning == 0 && engine.state == .ready(engine.description) ? true : nil
            }
        }
    }

    @Test("What a worker had that is gone is made by another")
    func losingAWorker() async throws {
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            let first = try world.start("gpu-1", [ScriptedEngine()])
            let request = try await world.request("a", to: api)
            try await world.end(first)
            let task = try await api.scheduler.submit(request).task
            // Whoever has it never renews its lease.
            let claim = ClaimRequest(owner: WorkerID.unique(), duration: .milliseconds(200), generation: nil)
            #expect(try await world.store.claim(claim) != nil)
            _ = try world.start("gpu-2", [ScriptedEngine()])
            let made = try await world.task(task.id, reaches: .succeeded, at: api)
            #expect(made.generation.attempts == 2)
        }
    }

    @Test("A device of another process drains and goes on as it is told")
    func drainingADevice() async throws {
        let engine = ScriptedEngine(device: "cuda:0")
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            let worker = try world.start("gpu-1", [engine])
            let id = "gpu-1/cuda:0"
            _ = try await eventually("it is shown") { api.scheduler.devices().first { $0.id == id } }
            try await api.scheduler.setDraining(true, device: id)
            _ = try await eventually("it drains") { worker.scheduler.ownDevices().first { $0.state == .draining } }
            let task = try await world.submit("a", to: api)
            _ = try await eventually("it is shown to") {
                api.scheduler.devices().first { $0.id == id && $0.state == .draining }
            }
            #expect(try await api.scheduler.task(task.id, of: .standard)?.status == .queued)
            try await api.scheduler.setDraining(false, device: id)
            try await world.task(task.id, reaches: .succeeded, at: api)
            try await api.scheduler.unload(device: id)
            _ = try await eventually("it gives up its model") { engine.parkCount > 0 ? true : nil }
            await #expect(throws: AdmissionError.deviceUnknown) {
                try await api.scheduler.setDraining(true, device: "gpu-9/cuda:0")
            }
        }
    }

    @Test("All processes drain as one of them is told, those included that come later")
    func drainingAll() async throws {
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            let first = try world.start("gpu-1", [ScriptedEngine()])
            let request = try await world.request("a", to: api)
            try await api.scheduler.setDraining(true, device: nil)
            _ = try await eventually("the worker drains") {
                try await first.scheduler.queueStatus().isDraining ? true : nil
            }
            let second = try world.start("gpu-2", [ScriptedEngine()])
            _ = try await eventually("the next one drains") {
                try await second.scheduler.queueStatus().isDraining ? true : nil
            }
            let task = try await api.scheduler.submit(request).task
            #expect(try await api.scheduler.task(task.id, of: .standard)?.status == .queued)
            try await second.scheduler.setDraining(false, device: nil)
            try await world.task(task.id, reaches: .succeeded, at: api)
        }
    }

    @Test("A model that was there is accepted while no worker is, and waits for one")
    func scalingFromZero() async throws {
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            #expect(throws: AdmissionError.self) { try api.scheduler.catalog() }
            #expect(api.scheduler.unreadiness().map(\.code) == ["no_worker"])
            let worker = try world.start("gpu-1", [ScriptedEngine()])
            let request = try await world.request("a", to: api)
            _ = try await eventually("the models are remembered") { api.scheduler.deployment.remembered }
            try await world.end(worker)
            _ = try await eventually("it is gone") { api.scheduler.devices().isEmpty ? true : nil }
            // Another one that has never seen a worker.
            let late = try world.start("front-2")
            _ = try await eventually("the models are known") { try? late.scheduler.catalog() }
            let task = try await late.scheduler.submit(request).task
            #expect(late.scheduler.unreadiness().isEmpty)
            #expect(late.scheduler.obstacles().map(\.code) == ["no_worker"])
            #expect(try await late.scheduler.task(task.id, of: .standard)?.status == .queued)
            _ = try world.start("gpu-2", [ScriptedEngine()])
            try await world.task(task.id, reaches: .succeeded, at: late)
        }
    }

    @Test("All processes predict the same, from what any of them has learned")
    func predicting() async throws {
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            let worker = try world.start("gpu-1", [ScriptedEngine(device: "cpu")])
            let request = try await world.request("b", to: api)
            _ = try await eventually("they agree on a make") {
                [api, worker].allSatisfy { $0.scheduler.deployment.reference.name == "Test 1" } ? true : nil
            }
            let before = try await api.scheduler.estimate(request).deviceSeconds
            let task = try await world.submit("a", to: api)
            try await world.task(task.id, reaches: .succeeded, at: api)
            let after = try await eventually("it is learned from") { () -> Double? in
                let seconds = try await api.scheduler.estimate(request).deviceSeconds
                return seconds == before ? nil : seconds
            }
            _ = try await eventually("both say the same") {
                try await worker.scheduler.estimate(request).deviceSeconds == after ? true : nil
            }
            // One that comes later learns what was kept.
            let late = try world.start("front-2")
            _ = try await eventually("the late one says the same") {
                (try? await late.scheduler.estimate(request))?.deviceSeconds == after ? true : nil
            }
        }
    }

    @Test("Where news was missed, what nobody wants any more is stopped, and the rest goes on")
    func missedNews() async throws {
        try await DeploymentWorld.with { world in
            let api = try world.start("front")
            let worker = try world.start("gpu-1", [ScriptedEngine { _ in .hang }])
            var claims: [ClaimedGeneration] = []
            try await worker.scheduler.setDraining(true, device: nil)
            for prompt in ["a", "b"] {
                let generation = try await world.submit(prompt, to: api).generation
                let claim = ClaimRequest(owner: .unique(), duration: .seconds(60), generation: generation.id)
                claims.append(try #require(try await world.store.claim(claim)))
            }
            let running = RunningGenerations()
            let estimate = CostEstimate(load: 1, encode: 1, perStep: 1, steps: 4, decode: 1, write: 1)
            let orders = claims.map {
                running.add($0.generation, Course(started: 0), estimate, at: .zero)
            }
            _ = try await api.scheduler.cancel(try #require(claims[0].tasks.first).id, of: .standard)
            let wake = WakeSignal()
            let listener = NewsListener(
                store: world.store,
                wake: wake,
                running: running,
                metrics: SchedulingMetrics(devices: []),
                clock: SystemClock(),
                logger: world.logger
            )
            let (news, told) = AsyncStream.makeStream(of: StoreNews.self)
            told.yield(.missed)
            told.finish()
            await listener.follow(news)
            #expect(wake.count == 1)
            for claim in claims { running.remove(claim.generation.id) }
            var stops: [Int] = []
            for (index, stream) in orders.enumerated() {
                for await order in stream where order.isStop { stops.append(index) }
            }
            #expect(stops == [0])
        }
    }

    @Test("While the others cannot be reached each goes on alone, and finds them again")
    func outage() async throws {
        try await DeploymentWorld.with { world in
            let worker = try world.start("gpu-1", [ScriptedEngine()])
            let task = try await world.submit("a", to: worker)
            try await world.task(task.id, reaches: .succeeded, at: worker)
            world.coordination.isDown = true
            let second = try await world.submit("b", to: worker)
            try await world.task(second.id, reaches: .succeeded, at: worker)
            await #expect(throws: AdmissionError.self) {
                try await worker.scheduler.setDraining(true, device: nil)
            }
            world.coordination.isDown = false
            let api = try world.start("front")
            _ = try await eventually("they meet") { api.scheduler.devices().first { $0.id == "gpu-1/cpu" } }
        }
    }
}

extension RunningGenerations.Order {
    fileprivate var isStop: Bool {
        if case .stop = self { true } else { false }
    }
}
