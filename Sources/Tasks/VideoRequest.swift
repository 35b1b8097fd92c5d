/// Parameters of a video that are known to be valid for the model they were parsed against.
///
/// The only ways to one are `init(_:for:loras:after:)`, which parses, `init(canonicalBytes:)`, which reads back what
/// `canonicalBytes` wrote, and `reduced(by:)`, which makes less of one. Whoever holds a `VideoRequest` need not check
/// anything again.
package struct VideoRequest: Sendable, Hashable {
    package internal(set) var prompt: String
    package internal(set) var negativePrompt: String
    /// Pixels of the finished video.
    package internal(set) var width: Int
    package internal(set) var height: Int
    package internal(set) var numFrames: Int
    package internal(set) var numInferenceSteps: Int
    package internal(set) var guidanceScale: Double
    package internal(set) var fps: Int
    /// `nil`: any seed will do, and requests that leave it open share one video.
    package internal(set) var seed: UInt32?
    /// What it starts from, by the hash of the content.
    package internal(set) var inputs: [InputRole: MediaID]
    /// How much of the given video is made anew; `nil` without one.
    package internal(set) var strength: Double?
    package internal(set) var stepCache: StepCacheLevel
    /// By name; no two of one name.
    package internal(set) var loras: [LoRAUse]
    /// How far the video may be reduced where the whole of it is not to be had; `nil`: not at all.
    package internal(set) var degradation: DegradationFloor?

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
        /// `never` or `allow`.
        package var degrade: String?
        package var minSteps: Int?
        package var minFrames: Int?
        package var minHeight: Int?

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
        degradation = check.degradation(
            draft,
            of: RequestCheck.Extent(steps: numInferenceSteps, frames: numFrames, height: height)
        )
        check.refuseIfNothingElseIsWrong(draft.missing)
        if !check.violations.isEmpty {
            throw RequestRejection(violations: check.violations)
        }
    }
}
