/// What an engine says of its model, in the words of the wire: `docs/engine-protocol.md`.
package struct EngineModel: Sendable, Equatable, Codable {
    package var name: String
    package var family: String
    /// SHA-256 of the checkpoint, hexadecimal.
    package var fingerprint: String
    package var weightBytes: Int64
    /// Rises whenever the engine makes other pixels from the same input.
    ///
    /// From `hello`, not part of `model` there.
    package var engineVersion = ""
    package var limits: Limits
    package var defaults: Defaults
    /// Sizes (width, height) that requests are rendered at; `nil` if every size is rendered as asked.
    package var nativeShapes: [[Int]]?

    package struct Limits: Sendable, Equatable, Codable {
        package var minWidth: Int
        package var maxWidth: Int
        package var minHeight: Int
        package var maxHeight: Int
        package var sizeMultiple: Int
        package var maxPixels: Int
        package var minFrames: Int
        package var maxFrames: Int
        package var frameStep: Int
        package var minSteps: Int
        package var maxSteps: Int
        package var minGuidance: Double
        package var maxGuidance: Double
        package var minFps: Int
        package var maxFps: Int
        package var maxPromptCharacters: Int

        enum CodingKeys: String, CodingKey {
            case minWidth = "min_width"
            case maxWidth = "max_width"
            case minHeight = "min_height"
            case maxHeight = "max_height"
            case sizeMultiple = "size_multiple"
            case maxPixels = "max_pixels"
            case minFrames = "min_frames"
            case maxFrames = "max_frames"
            case frameStep = "frame_step"
            case minSteps = "min_steps"
            case maxSteps = "max_steps"
            case minGuidance = "min_guidance"
            case maxGuidance = "max_guidance"
            case minFps = "min_fps"
            case maxFps = "max_fps"
            case maxPromptCharacters = "max_prompt_characters"
        }
    }

    package struct Defaults: Sendable, Equatable, Codable {
        package var width: Int
        package var height: Int
        package var numFrames: Int
        package var numInferenceSteps: Int
        package var guidanceScale: Double
        package var fps: Int
        package var negativePrompt: String

        enum CodingKeys: String, CodingKey {
            case width
            case height
            case numFrames = "num_frames"
            case numInferenceSteps = "num_inference_steps"
            case guidanceScale = "guidance_scale"
            case fps
            case negativePrompt = "negative_prompt"
        }
    }

    enum CodingKeys: String, CodingKey {
        case name
        case family
        case fingerprint
        case weightBytes = "weight_bytes"
        case limits
        case defaults
        case nativeShapes = "native_shapes"
    }

    /// Whether every range is a range, so that whoever forms one cannot trap.
    ///
    /// A description that is not sound makes its engine a broken peer.
    package var isSound: Bool {
        limits.minWidth > 0 && limits.minWidth <= limits.maxWidth && limits.minHeight > 0
            && limits.minHeight <= limits.maxHeight && limits.maxWidth <= 1 << 16 && limits.maxHeight <= 1 << 16
            && limits.sizeMultiple > 0 && limits.maxPixels > 0 && limits.minFrames > 0
            && limits.minFrames <= limits.maxFrames && limits.frameStep > 0 && limits.minSteps > 0
            && limits.minSteps <= limits.maxSteps && limits.minGuidance <= limits.maxGuidance && limits.minFps > 0
            && limits.minFps <= limits.maxFps && limits.maxPromptCharacters > 0
            && fingerprint.utf8.count == 64 && !name.isEmpty
    }
}
