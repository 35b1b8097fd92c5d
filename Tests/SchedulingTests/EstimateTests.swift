import Foundation
import Results
import Scheduling
import Tasks
import TasksSQLite
import TestSupport
import Testing

@Suite("Scheduling: estimates")
struct EstimateTests {
    private static func estimate(
        _ prompt: String,
        in world: SchedulerWorld,
        limits: KeyLimits = KeyLimits()
    ) async throws -> Estimate {
        var draft = VideoRequest.Draft()
        draft.prompt = prompt
        draft.numInferenceSteps = 4
        let catalog = try await eventually("a model is known") { try? world.scheduler.catalog() }
        let model = try #require(catalog.models.first)
        let caller = Caller(tenant: .standard, limits: limits)
        return try await world.scheduler.estimate(
            AdmissionRequest(caller: caller, video: VideoRequest(draft, for: model), model: model.name)
        )
    }

    @Test("It says what a submission then finds: made, shared, cached, and made again where the file is gone")
    func prospects() async throws {
        let engine = ScriptedEngine()
        engine.plan(.hang, .success())
        try await SchedulerWorld.with([engine]) { world in
            let first = try await Self.estimate("a cat", in: world)
            #expect(!first.isCached && !first.isShared && first.refusal == nil)
            #expect(first.deviceSeconds > 0 && first.memoryMode != nil)
            #expect(first.waitSeconds == 0)
            #expect((first.etaSeconds ?? 0) >= first.deviceSeconds)
            // Nothing was stored.
            #expect(try await world.store.tasks(matching: TaskQuery(tenant: nil, limit: 1)).tasks.isEmpty)
            #expect(try await world.store.heads().count == 0)

            let task = try await world.submit("a cat").task
            _ = try await world.task(task.id, reaches: .running)
            let shared = try await Self.estimate("a cat", in: world)
            #expect(shared.isShared)
            #expect(try await Self.estimate("a dog", in: world).isShared == false)
            _ = try await world.scheduler.cancel(task.id, of: .standard)
            #expect(try await Self.estimate("a cat", in: world).isShared == false)
            let again = try await world.submit("a cat").task
            let video = try await world.task(again.id, reaches: .succeeded).generation.result?.video
            let cached = try await Self.estimate("a cat", in: world)
            #expect(cached.isCached && cached.etaSeconds == 0)
            let name = try #require(VideoName(video ?? ""))
            try FileManager.default.removeItem(atPath: world.path(of: name))
            #expect(try await Self.estimate("a cat", in: world).isCached == false)
        }
    }

    @Test("It says why a submission would be refused")
    func refusals() async throws {
        var settings = SchedulingSettings.quick
        settings.admission = AdmissionPolicy(maxWaiting: 0)
        try await SchedulerWorld.with([ScriptedEngine()], settings: settings) { world in
            let full = try await Self.estimate("a cat", in: world)
            guard case .refused("queue_full", _, _) = full.refusal else {
                Issue.record("\(String(describing: full.refusal))")
                return
            }
            #expect(full.etaSeconds == nil)
            let limits = KeyLimits(deviceSecondsPerDay: 0.000_1)
            let limited = try await Self.estimate("a cat", in: world, limits: limits)
            guard case .store(.tenantLimit) = limited.refusal else {
                Issue.record("\(String(describing: limited.refusal))")
                return
            }
        }
    }
}
