package import Engine
import Foundation

/// Where the tests find engines, and what they ask of them.
package enum EngineFixture {
    /// What a scripted engine says of its model: small limits like the tiny checkpoint's, every size rendered as asked.
    package static let model: EngineModel = {
        do {
            var model = try JSONDecoder().decode(EngineModel.self, from: Data(modelJSON.utf8))
            model.engineVersion = "scripted"
            return model
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
          "limits": {
            "min_width": 64, "max_width": 1344, "min_height": 64, "max_height": 1344, "size_multiple": 16,
            "max_pixels": 1048576, "min_frames": 1, "max_frames": 49, "frame_step": 4, "min_steps": 1,
            "max_steps": 100, "min_guidance": 1.0, "max_guidance": 20.0, "min_fps": 1, "max_fps": 60,
            "max_prompt_characters": 2000
          },
          "defaults": {
            "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 4, "guidance_scale": 3.0, "fps": 8,
            "negative_prompt": ""
          }
        }
        """

    /// A small command, within the limits of every engine here.
    ///
    /// - Parameters:
    ///   - prompt: what to make; `@` words play faults in the timed and the scripted engine.
    ///   - directory: where the video goes.
    ///   - id: of the command; a fresh one if none is given.
    ///   - steps: denoising steps.
    package static func command(
        _ prompt: String = "a cat playing on the grass",
        in directory: String,
        id: String = UUID().uuidString,
        steps: Int = 4
    ) -> GenerateCommand {
        GenerateCommand(
            id: id,
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
