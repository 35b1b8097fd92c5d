import Engine
import Foundation
import Results
import Scheduling
import Tasks
import TestSupport
import Testing

@Suite("Scheduling: what a video carries")
struct SidecarTests {
    @Test("Beside a video is what was asked for, what made it, and how long that took")
    func sidecar() async throws {
        let engine = ScriptedEngine(device: "cuda:1")
        engine.plan(.failure(.crashed(message: "gone")), .success())
        try await SchedulerWorld.with([engine]) { world in
            let task = try await world.task(try await world.submit("猫 \"1\"", seed: 5).task.id, reaches: .succeeded)
            let name = try #require(VideoName(task.generation.result?.video ?? ""))
            let data = try #require(try await world.results.sidecar(of: name))
            let sidecar = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect(sidecar["format"] as? Int == 1)
            #expect(sidecar["attempts"] as? Int == 2)
            #expect(sidecar["device"] as? String == "cuda:1")
            #expect(sidecar["model"] as? String == EngineFixture.model.name)
            #expect(sidecar["model_fingerprint"] as? String == EngineFixture.model.fingerprint)
            #expect(sidecar["engine_version"] as? String == "scripted")
            #expect(sidecar["memory_mode"] as? String == "full" && sidecar["resumed_step"] as? Int == 0)
            #expect(sidecar["degraded"] as? Bool == false && sidecar["num_frames"] as? Int == 5)
            #expect(sidecar["seed"] as? Int == 5)
            #expect(sidecar["rendered_width"] as? Int == 64)
            #expect(abs((sidecar["created_at"] as? Double ?? 0) / 1000 - Date.now.timeIntervalSince1970) < 600)
            let seconds = try #require(sidecar["seconds"] as? [String: Double])
            #expect(seconds["denoise"] == 0.25 && seconds["total"] != nil)
            // Byte for byte the canonical form.
            #expect(data.range(of: task.generation.request.canonicalBytes) != nil)
        }
    }

    @Test("A video is told to say what it is, the same for the same request")
    func metadata() async throws {
        let engine = ScriptedEngine()
        engine.plan(.failure(.crashed(message: "gone")), .success())
        var settings = SchedulingSettings.quick
        settings.software = "Animato 9"
        try await SchedulerWorld.with([engine], settings: settings) { world in
            let prompt = String(repeating: "猫", count: 200)
            _ = try await world.task(try await world.submit(prompt, seed: 5).task.id, reaches: .succeeded)
            let metadata = try #require(engine.commands.first?.metadata)
            #expect(engine.commands.map(\.metadata) == [metadata, metadata])
            #expect(metadata.title == String(repeating: "猫", count: 120) && metadata.description == prompt)
            for fact in ["seed=5;", "size=64x64;", "num_inference_steps=4;", "model=scripted;", "software=Animato 9"] {
                #expect(metadata.comment.contains(fact), "\(fact)")
            }
        }
    }

    @Test("Nothing is said where the operator does not want it")
    func optOut() async throws {
        let engine = ScriptedEngine()
        var settings = SchedulingSettings.quick
        settings.embedsMetadata = false
        try await SchedulerWorld.with([engine], settings: settings) { world in
            _ = try await world.video(of: "a cat")
            #expect(engine.commands.map(\.metadata) == [nil])
        }
    }
}
