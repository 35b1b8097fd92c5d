package import Foundation

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
        degradation = try form.degradation()
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
        var minSteps: Int?
        var minFrames: Int?
        var minHeight: Int?

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
            /// What the first version called it that had it.
            case allowsDegradation = "allow_degradation"
            case minSteps = "min_steps"
            case minFrames = "min_frames"
            case minHeight = "min_height"
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
            allowsDegradation = request.degradation == nil ? nil : true
            minSteps = request.degradation?.minSteps
            minFrames = request.degradation?.minFrames
            minHeight = request.degradation?.minHeight
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

        func degradation() throws -> DegradationFloor? {
            let floor = DegradationFloor(minSteps: minSteps, minFrames: minFrames, minHeight: minHeight)
            if allowsDegradation == true { return floor }
            guard floor == DegradationFloor() else {
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "floors without degradation"))
            }
            return nil
        }
    }
}
