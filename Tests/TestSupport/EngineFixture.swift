package import Engine
import Foundation

/// Where the tests find engines, and what they ask of them.
package enum EngineFixture {
    /// What a scripted engine says of itself: one model, and one LoRA.
    package static let description = EngineDescription(
        engineVersion: "scripted",
        memoryBytes: 8_000_000_000,
        models: [model],
        loras: [EngineLoRA(name: "style", fingerprint: String(repeating: "1a", count: 32), bytes: 1000)]
    )

    /// Small limits like the tiny checkpoint's, every size rendered as asked, every input and mode there is.
    package static let model: EngineModel = {
        do {
            return try JSONDecoder().decode(EngineModel.self, from: Data(modelJSON.utf8))
        } catch {
            preconditionFailure("the fixture is no model: \(error)")
        }
    }()

    private static let modelJSON = """
        {
          "name": "scripted",
          "family": "scripted",
          "fingerprint": "5c819ed05c819ed05c819ed05c819ed05c819ed05c819ed05c819ed05c819ed0",
          "weight_bytes": 1000,
          "inputs": ["start_image", "end_image", "video", "control_video", "ref_image"],
          "step_cache": ["off", "balanced", "fast"],
          "memory_modes": ["full", "model_offload", "model_offload_8bit", "sequential_offload"],
          "max_batch": 16,
          "memory_table": [],
          "sizes": [[64, 64], [112, 64], [64, 112]],
          "limits": {
            "min_width": 64, "max_width": 1344, "min_height": 64, "max_height": 1344, "size_multiple": 16,
            "max_pixels": 1048576, "min_frames": 1, "max_frames": 49, "frame_step": 4, "min_steps": 1,
            "max_steps": 100, "min_guidance": 1.0, "max_guidance": 20.0, "min_fps": 1, "max_fps": 60,
            "max_prompt_characters": 2000
          },
          "defaults": {
            "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 4, "guidance_scale": 3.0, "fps": 8,
            "negative_prompt": "", "strength": 0.7
          }
        }
        """

    private static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The interpreter that has the engine: `.venv` of the repository, or `ANIMATO_TEST_PYTHON`.
    package static func python() throws -> String {
        try existing("ANIMATO_TEST_PYTHON", otherwise: ".venv/bin/python")
    }

    /// The tiny checkpoint: `var/models/easyanimate-tiny` of the repository, or `ANIMATO_TEST_MODEL`.
    package static func tinyModel() throws -> String {
        try existing("ANIMATO_TEST_MODEL", otherwise: "var/models/easyanimate-tiny")
    }

    private static func existing(_ variable: String, otherwise path: String) throws -> String {
        let usual = repository.appending(path: path).path(percentEncoded: false)
        let place = ProcessInfo.processInfo.environment[variable] ?? usual
        guard FileManager.default.fileExists(atPath: place) else {
            throw Missing(description: "\(place) is missing: run `make setup model` first, or set \(variable)")
        }
        return place
    }

    /// What a test cannot do without.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// Settings of a real engine process for tests: two threads, short pauses between restarts.
    ///
    /// - Parameter source: the timed engine, or the tiny checkpoint.
    /// - Returns: settings with the deadlines of production.
    /// - Throws: `Missing` if there is no interpreter.
    package static func settings(_ source: EngineSettings.Source) throws -> EngineSettings {
        // As the server does. Without it a write to an engine that died would end the tests.
        signal(SIGPIPE, SIG_IGN)
        var settings = EngineSettings(source: source, environment: ProcessInfo.processInfo.environment)
        settings.python = try python()
        settings.device = "cpu"
        settings.threads = 2
        settings.backOff.first = .milliseconds(50)
        settings.backOff.cap = .milliseconds(200)
        return settings
    }

    /// Waits until something is so, for at most a minute: a loaded machine is slow, not wrong.
    ///
    /// - Parameters:
    ///   - what: what is waited for, for the failure's message.
    ///   - isSo: asked again and again.
    /// - Throws: `Missing` after a minute.
    package static func wait(for what: String, until isSo: () async -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while await !isSo() {
            guard ContinuousClock.now < end else { throw Missing(description: "waited in vain for: \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// A small command, within the limits of every engine here.
    ///
    /// - Parameters:
    ///   - prompt: what to make; `@` words play faults in the timed and the scripted engine.
    ///   - model: the name of the model.
    ///   - directory: where the video goes.
    ///   - id: of the command; a fresh one if none is given.
    ///   - steps: denoising steps.
    /// - Returns: the command.
    package static func command(
        _ prompt: String = "a cat playing on the grass",
        model: String = EngineFixture.model.name,
        in directory: String,
        id: String = UUID().uuidString,
        steps: Int = 4
    ) -> GenerateCommand {
        GenerateCommand(
            id: id,
            model: model,
            prompt: prompt,
            negativePrompt: "",
            width: 64,
            height: 64,
            numFrames: 5,
            numInferenceSteps: steps,
            guidanceScale: 3,
            fps: 8,
            seed: 7,
            output: "\(directory)/\(id).mp4"
        )
    }
}
