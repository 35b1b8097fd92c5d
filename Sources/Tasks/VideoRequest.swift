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

        package init() {}
    }

    /// Parses a draft, filling what it leaves out from the model's defaults.
    ///
    /// - Parameters:
    ///   - draft: what was asked for.
    ///   - model: whose limits and defaults count.
    ///   - earlier: what was already found wrong, so that one rejection lists everything. Fields named there are not
    ///     judged again.
    /// - Throws: every violation at once.
    package init(
        _ draft: Draft,
        for model: ModelDescription,
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
        width = check.side(draft.width ?? defaults.width, field: "width", range: model.limits.width)
        height = check.side(draft.height ?? defaults.height, field: "height", range: model.limits.height)
        check.pixels(width: width, height: height)
        numFrames = check.frames(draft.numFrames ?? defaults.numFrames)
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
        fps = check.range(draft.fps ?? defaults.fps, field: "fps", range: model.limits.fps)
        seed = check.seed(draft.seed)
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
    }

    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    private static let decoder = JSONDecoder()

    /// Fixed for ever: stored requests and result keys depend on it.
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
        }
    }
}
