/// What an engine says of its model, in the words of the wire: `docs/engine-protocol.md`.
package struct EngineModel: Sendable, Equatable, Codable {
    package var name: String
    package var family: String
    /// SHA-256 of the checkpoint, hexadecimal.
    package var fingerprint: String
    package var weightBytes: Int64
    package var limits: Limits
    package var defaults: Defaults
    /// Sizes (width, height) that requests are rendered at; `nil` if every size is rendered as asked.
    package var nativeShapes: [[Int]]?
    /// What it takes beside a prompt.
    package var inputs: [EngineInput]
    /// Levels of the step cache; `off` among them.
    package var stepCache: [String]
    /// Those that work on this device, the fastest first; at least one.
    package var memoryModes: [EngineMemoryMode]
    /// What is known to fit; empty if nothing is.
    package var memoryTable: [MemoryEntry]
    /// Sizes (width, height) for requests that name none.
    package var sizes: [[Int]]
    /// How many generations one pass may have, if it says so.
    private var declaredMaxBatch: Int?

    /// How many generations one pass may have, 1 to 16; 1 where nothing is said.
    package var maxBatch: Int {
        get { declaredMaxBatch ?? 1 }
        set { declaredMaxBatch = newValue }
    }

    /// A shape that is known to fit in a mode on a device of so much memory.
    package struct MemoryEntry: Sendable, Equatable, Codable {
        package var mode: EngineMemoryMode
        package var width: Int
        package var height: Int
        package var numFrames: Int
        package var minMemoryBytes: Int64

        package init(mode: EngineMemoryMode, width: Int, height: Int, numFrames: Int, minMemoryBytes: Int64) {
            self.mode = mode
            self.width = width
            self.height = height
            self.numFrames = numFrames
            self.minMemoryBytes = minMemoryBytes
        }

        enum CodingKeys: String, CodingKey {
            case mode
            case width
            case height
            case numFrames = "num_frames"
            case minMemoryBytes = "min_memory_bytes"
        }
    }

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
        /// How much of a given video is made anew.
        package var strength: Double

        enum CodingKeys: String, CodingKey {
            case width
            case height
            case numFrames = "num_frames"
            case numInferenceSteps = "num_inference_steps"
            case guidanceScale = "guidance_scale"
            case fps
            case negativePrompt = "negative_prompt"
            case strength
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
        case inputs
        case stepCache = "step_cache"
        case memoryModes = "memory_modes"
        case memoryTable = "memory_table"
        case sizes
        case declaredMaxBatch = "max_batch"
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
            && fingerprint.utf8.count == 64 && !name.isEmpty && areOptionsSound
    }

    private var areOptionsSound: Bool {
        (0.05...1).contains(defaults.strength) && Set(inputs).count == inputs.count
            && stepCache.contains("off") && Set(stepCache).count == stepCache.count
            && !memoryModes.isEmpty && Set(memoryModes).count == memoryModes.count
            && (1...16).contains(maxBatch) && memoryTable.allSatisfy(\.isSound)
            && (nativeShapes ?? []).allSatisfy(Self.isSize)
            && sizes.allSatisfy { size in
                Self.isSize(size) && size.allSatisfy { $0.isMultiple(of: limits.sizeMultiple) }
            }
    }

    private static func isSize(_ size: [Int]) -> Bool {
        size.count == 2 && size.allSatisfy { (1...(1 << 16)).contains($0) }
    }
}

extension EngineModel.MemoryEntry {
    fileprivate var isSound: Bool {
        [width, height, numFrames].allSatisfy { (1...(1 << 16)).contains($0) } && minMemoryBytes >= 0
    }
}
