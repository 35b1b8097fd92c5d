import Engine
import Foundation
import Results
import Tasks

/// What is kept beside a video: what was asked for, what made it, and how long that took.
///
/// JSON, so that whoever finds the file without its task knows what it is:
///
///     {
///       "format": 1,
///       "attempts": 1, "created_at": 1767225600000, "degraded": false, "device": "cuda:0", "engine_version": "0.1.0",
///       "height": 448, "width": 768, "num_frames": 49, "num_inference_steps": 50, "step_cache": "off",
///       "memory_mode": "model_offload", "model": "EasyAnimateV5.1-12b-zh", "model_fingerprint": "…",
///       "rendered_width": 672, "rendered_height": 384, "resumed_step": 0, "seed": 43, "skipped_steps": 0,
///       "seconds": {"denoise": 70.2, "decode": 6.1, …, "total": 81.0},
///       "request": {…}
///     }
///
/// `degraded`: less was made than `request` says, because there was no room or too much was waiting. `request` is the
/// canonical form, byte for byte; `created_at` is in milliseconds since 1970; `seconds` has the stages that the engine
/// told of, and the whole attempt as the server saw it.
struct Sidecar: Encodable {
    private var format = 1
    private var attempts: Int
    private var createdAt: Int64
    private var degraded: Bool
    private var device: String
    private var engineVersion: String
    private var height: Int
    private var memoryMode: String
    private var model: String
    private var modelFingerprint: String
    private var numFrames: Int
    private var numInferenceSteps: Int
    private var renderedWidth: Int
    private var renderedHeight: Int
    private var resumedStep: Int
    private var seed: UInt32
    private var seconds: [String: Double]
    private var skippedSteps: Int
    private var stepCache: String
    private var width: Int

    enum CodingKeys: String, CodingKey {
        case format
        case attempts
        case createdAt = "created_at"
        case degraded
        case device
        case engineVersion = "engine_version"
        case height
        case memoryMode = "memory_mode"
        case model
        case modelFingerprint = "model_fingerprint"
        case numFrames = "num_frames"
        case numInferenceSteps = "num_inference_steps"
        case renderedWidth = "rendered_width"
        case renderedHeight = "rendered_height"
        case resumedStep = "resumed_step"
        case seed
        case seconds
        case skippedSteps = "skipped_steps"
        case stepCache = "step_cache"
        case width
    }

    private init(
        _ generation: Generation,
        _ video: EngineVideo,
        madeBy model: ModelDescription,
        on device: String,
        total: Duration,
        at now: Timestamp
    ) {
        attempts = generation.attempts
        createdAt = now.milliseconds
        let made = generation.request.reduced(by: generation.plan)
        degraded = made != generation.request.withoutDegradation
        numInferenceSteps = made.numInferenceSteps
        stepCache = made.stepCache.rawValue
        height = video.height
        numFrames = video.numFrames
        width = video.width
        self.device = device
        engineVersion = model.engineVersion
        memoryMode = video.memoryMode.rawValue
        self.model = model.name
        modelFingerprint = model.fingerprint
        resumedStep = video.resumedStep
        skippedSteps = video.skippedSteps
        renderedWidth = video.renderedWidth
        renderedHeight = video.renderedHeight
        seed = generation.seed
        seconds = ["total": Self.rounded(total.inSeconds)]
        for (stage, spent) in video.seconds { seconds[stage.rawValue] = Self.rounded(spent) }
    }

    private static func rounded(_ seconds: Double) -> Double {
        (seconds * 1000).rounded() / 1000
    }

    /// What is kept beside a video that was just made.
    ///
    /// - Parameters:
    ///   - generation: what it was made for.
    ///   - video: what the engine says of it.
    ///   - model: what made it.
    ///   - device: where.
    ///   - total: how long the attempt took.
    ///   - now: the time of day.
    /// - Returns: the JSON.
    static func bytes(
        of generation: Generation,
        _ video: EngineVideo,
        madeBy model: ModelDescription,
        on device: String,
        total: Duration,
        at now: Timestamp
    ) -> Data {
        let sidecar = Sidecar(generation, video, madeBy: model, on: device, total: total, at: now)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and finite numbers: encoding them cannot fail.
        var bytes = (try? encoder.encode(sidecar)) ?? Data(#"{"format":1}"#.utf8)
        bytes.removeLast()
        bytes.append(contentsOf: #","request":"#.utf8)
        bytes.append(generation.request.canonicalBytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}

extension VideoMetadata {
    /// A title may be shown in one line.
    private static let titleLength = 120

    /// What a video says of itself: its prompt, and in the comment all that is needed to make it again.
    ///
    /// The same for the same request, so that the bytes are: no time, no task, no device.
    init(_ generation: Generation, madeBy model: ModelDescription, software: String) {
        // What is really made, which may be less than was asked for.
        let request = generation.request.reduced(by: generation.plan)
        var facts = [
            "seed=\(generation.seed)",
            "size=\(request.width)x\(request.height)",
            "num_frames=\(request.numFrames)",
            "fps=\(request.fps)",
            "num_inference_steps=\(request.numInferenceSteps)",
            "guidance_scale=\(request.guidanceScale)",
            "model=\(model.name)",
            "model_fingerprint=\(model.fingerprint)",
        ]
        for role in InputRole.allCases {
            if let id = request.inputs[role] { facts.append("\(role.rawValue)=\(id)") }
        }
        if let strength = request.strength { facts.append("strength=\(strength)") }
        if request.stepCache != .off { facts.append("step_cache=\(request.stepCache.rawValue)") }
        facts += request.loras.map { "lora=\($0.name):\($0.scale)" }
        facts.append("software=\(software)")
        if !request.negativePrompt.isEmpty { facts.append("negative_prompt=\(request.negativePrompt)") }
        self.init(
            title: String(request.prompt.prefix(Self.titleLength)),
            description: request.prompt,
            comment: facts.joined(separator: "; ")
        )
    }
}
