package import Foundation

/// Parameters of a video that are known to be valid for the model they were parsed against.
///
/// The only ways to one are `init(_:for:after:)`, which parses, and `init(canonicalBytes:)`, which reads back what
/// `canonicalBytes` wrote. Whoever holds a `VideoRequest` need not check anything again.
package struct VideoRequest: Sendable, Hashable {
    package let prompt: String
    package let negativePrompt: String
    /// Pixels of the finished video.
    package let width: Int
    package let height: Int
    package let numFrames: Int
    package let numInferenceSteps: Int
    package let guidanceScale: Double
    package let fps: Int
    /// `nil`: any seed will do, and requests that leave it open share one video.
    package let seed: UInt32?
    /// What it starts from, by the hash of the content.
    package let inputs: [InputRole: MediaID]
    /// How much of the given video is made anew; `nil` without one.
    package let strength: Double?
    package let stepCache: StepCacheLevel
    /// By name; no two of one name.
    package let loras: [LoRAUse]
    /// Whether a smaller or shorter video is better than none.
    package let allowsDegradation: Bool

    /// What a client asked for, with the right types, not yet known to be valid.
    ///
    /// `nil`: left out.
    package struct Draft: Sendable, Equatable {
        package var prompt: String?
        package var negativePrompt: String?
        package var width: Int?
        package var height: Int?
        package var numFrames: Int?
        package var numInferenceSteps: Int?
        package var guidanceScale: Double?
        package var fps: Int?
        package var seed: Int?
        /// Files that were uploaded or fetched, and looked into.
        package var inputs: [InputRole: Media] = [:]
        /// Files that were named but are not in `inputs`: refused, or not looked for because the draft is wrong anyway.
        ///
        /// Whoever fills this in has a violation that says why.
        package var missing: Set<InputRole> = []
        package var strength: Double?
        package var stepCache: String?
        package var loras: [LoRA] = []
        package var allowsDegradation: Bool?

        package struct LoRA: Sendable, Equatable {
            package var name: String
            package var scale: Double

            package init(name: String, scale: Double) {
                self.name = name
                self.scale = scale
            }
        }

        package init() {}
    }

    /// Parses a draft, filling what it leaves out from the model's defaults.
    ///
    /// - Parameters:
    ///   - draft: what was asked for.
    ///   - model: whose limits and defaults count.
    ///   - known: the LoRAs that there are.
    ///   - earlier: what was already found wrong, so that one rejection lists everything. Fields named there are not
    ///     judged again.
    /// - Throws: every violation at once.
    package init(
        _ draft: Draft,
        for model: ModelDescription,
        loras known: [LoRADescription] = [],
        after earlier: [Violation] = []
    ) throws(RequestRejection) {
        var check = RequestCheck(limits: model.limits, violations: earlier)
        let defaults = model.defaults
        prompt = check.prompt(draft.prompt, field: "prompt", isRequired: true)
        negativePrompt = check.prompt(
            draft.negativePrompt ?? defaults.negativePrompt,
            field: "negative_prompt",
            isRequired: false
        )
        let size = model.defaultSize(for: draft)
        width = check.side(draft.width ?? size.width, field: "width", range: model.limits.width)
        height = check.side(draft.height ?? size.height, field: "height", range: model.limits.height)
        check.pixels(width: width, height: height)
        fps = check.range(draft.fps ?? defaults.fps, field: "fps", range: model.limits.fps)
        numFrames = check.frames(draft.numFrames, otherwise: defaults.numFrames, at: fps, of: draft.inputs)
        numInferenceSteps = check.range(
            draft.numInferenceSteps ?? defaults.numInferenceSteps,
            field: "num_inference_steps",
            range: model.limits.steps
        )
        guidanceScale = check.range(
            draft.guidanceScale ?? defaults.guidanceScale,
            field: "guidance_scale",
            range: model.limits.guidance
        )
        seed = check.seed(draft.seed)
        inputs = check.inputs(draft.inputs, missing: draft.missing, allowed: model.inputs)
        let isMadeAnew = draft.inputs[.video] != nil || draft.missing.contains(.video)
        strength = check.strength(draft.strength, otherwise: defaults.strength, ofVideo: isMadeAnew)
        stepCache = check.stepCache(draft.stepCache, among: model.stepCache)
        loras = check.loras(draft.loras, among: known)
        allowsDegradation = draft.allowsDegradation ?? false
        check.refuseIfNothingElseIsWrong(draft.missing)
        if !check.violations.isEmpty {
            throw RequestRejection(violations: check.violations)
        }
    }
}

extension VideoRequest {
    /// The one spelling of this request: equal requests have equal bytes, and no two different ones do.
    ///
    /// JSON with sorted keys. Result keys hash it, idempotency compares it, stores keep it.
    package var canonicalBytes: Data {
        // Encoding a value of strings and finite numbers cannot fail, and the parser lets nothing else in.
        (try? Self.encoder.encode(CanonicalForm(self))) ?? Data()
    }

    /// Reads back what `canonicalBytes` wrote.
    ///
    /// - Throws: a decoding error for anything else.
    package init(canonicalBytes: Data) throws {
        let form = try Self.decoder.decode(CanonicalForm.self, from: canonicalBytes)
        prompt = form.prompt
        negativePrompt = form.negativePrompt
        width = form.width
        height = form.height
        numFrames = form.numFrames
        numInferenceSteps = form.numInferenceSteps
        guidanceScale = form.guidanceScale
        fps = form.fps
        seed = form.seed
        inputs = try form.inputRoles()
        strength = form.strength
        stepCache = form.stepCache ?? .off
        loras = form.loras ?? []
        allowsDegradation = form.allowsDegradation ?? false
    }

    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    private static let decoder = JSONDecoder()

    /// Fixed for ever: stored requests and result keys depend on it.
    ///
    /// What was added later is left out where it says nothing, so that older requests keep their spelling.
    private struct CanonicalForm: Codable {
        var prompt: String
        var negativePrompt: String
        var width: Int
        var height: Int
        var numFrames: Int
        var numInferenceSteps: Int
        var guidanceScale: Double
        var fps: Int
        var seed: UInt32?
        /// By the name of the role.
        var inputs: [String: MediaID]?
        var strength: Double?
        var stepCache: StepCacheLevel?
        var loras: [LoRAUse]?
        var allowsDegradation: Bool?

        enum CodingKeys: String, CodingKey {
            case prompt
            case negativePrompt = "negative_prompt"
            case width
            case height
            case numFrames = "num_frames"
            case numInferenceSteps = "num_inference_steps"
            case guidanceScale = "guidance_scale"
            case fps
            case seed
            case inputs
            case strength
            case stepCache = "step_cache"
            case loras
            case allowsDegradation = "allow_degradation"
        }

        init(_ request: VideoRequest) {
            prompt = request.prompt
            negativePrompt = request.negativePrompt
            width = request.width
            height = request.height
            numFrames = request.numFrames
            numInferenceSteps = request.numInferenceSteps
            guidanceScale = request.guidanceScale
            fps = request.fps
            seed = request.seed
            let named = request.inputs.map { ($0.key.rawValue, $0.value) }
            inputs = named.isEmpty ? nil : Dictionary(uniqueKeysWithValues: named)
            strength = request.strength
            stepCache = request.stepCache == .off ? nil : request.stepCache
            loras = request.loras.isEmpty ? nil : request.loras
            allowsDegradation = request.allowsDegradation ? true : nil
        }

        func inputRoles() throws -> [InputRole: MediaID] {
            var roles: [InputRole: MediaID] = [:]
            for (name, id) in inputs ?? [:] {
                guard let role = InputRole(rawValue: name) else {
                    throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "no input \(name)"))
                }
                roles[role] = id
            }
            return roles
        }
    }
}
