import Tasks

/// The body of `POST /v1/videos/{video_id}/remix`.
struct OpenAIRemixWire: Equatable {
    private(set) var prompt: String?
    private(set) var violations: [Violation] = []

    /// Reads a body.
    ///
    /// - Parameter body: the whole text.
    /// - Throws: if it is not a JSON object; faults of fields are in `violations`.
    init(_ body: [UInt8]) throws(MalformedJSON) {
        var reader = JSONReader(body)
        var isSeen = false
        try reader.readObject { name, value in
            guard name == "prompt", !isSeen else {
                return reject(
                    String(name.prefix(64)),
                    name == "prompt" ? .notAllowed : .unknownField,
                    name == "prompt"
                        ? "prompt is given twice." : "There is no field \(name.prefix(64)); there is prompt."
                )
            }
            isSeen = true
            if value == .null { return }
            do throws(FieldFault) {
                prompt = try value.text(name)
            } catch {
                reject(name, error.code, error.message)
            }
        }
    }

    private mutating func reject(_ field: String, _ code: Violation.Code, _ message: String) {
        guard violations.count < VideoWire.maxViolations else { return }
        violations.append(Violation(field: field, code: code, message: message))
    }
}

extension VideoRequest.Draft {
    /// Everything that a video was made with, its files excepted, for another prompt.
    init(_ generation: Generation, prompt: String?) {
        let request = generation.request
        self.init()
        self.prompt = prompt
        negativePrompt = request.negativePrompt
        width = request.width
        height = request.height
        numFrames = request.numFrames
        numInferenceSteps = request.numInferenceSteps
        guidanceScale = request.guidanceScale
        fps = request.fps
        seed = Int(generation.seed)
        strength = request.strength
        stepCache = request.stepCache.rawValue
        loras = request.loras.map { LoRA(name: $0.name, scale: $0.scale) }
        degrade = request.degradation == nil ? nil : Degrade.allow.rawValue
        minSteps = request.degradation?.minSteps
        minFrames = request.degradation?.minFrames
        minHeight = request.degradation?.minHeight
    }
}
