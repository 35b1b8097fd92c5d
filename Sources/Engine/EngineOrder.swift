/// What the server tells an engine: `docs/engine-protocol.md`, "Server to engine".
enum EngineOrder: Sendable, Equatable {
    /// Make this video, and those of its companions in the same pass; one pass at a time.
    case generate(GenerateCommand, companions: [GenerateCommand] = [])
    /// Stop that generation within one step.
    case cancel(id: String)
    /// Have the pass of that generation write its checkpoints at the end of the step and give up.
    case yield(id: String)
    /// Move the model off the device.
    case park
    /// Yield what is on the device, finish what is being written, and exit.
    case shutdown
}

extension EngineOrder: Encodable {
    private enum CodingKeys: String, CodingKey {
        case type
        case id
        case model
        case request
        case inputs
        case memoryMode = "memory_mode"
        case output
        case metadata
        case checkpoint
        case preview
        case trace
        case companions
    }

    private enum RequestKeys: String, CodingKey {
        case prompt
        case negativePrompt = "negative_prompt"
        case width
        case height
        case numFrames = "num_frames"
        case numInferenceSteps = "num_inference_steps"
        case guidanceScale = "guidance_scale"
        case fps
        case seed
        case strength
        case stepCache = "step_cache"
        case loras
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .generate(let command, let companions):
            try fields.encode("generate", forKey: .type)
            try fields.encode(command.id, forKey: .id)
            try fields.encode(command.model, forKey: .model)
            try fields.encode(command.memoryMode, forKey: .memoryMode)
            let inputs = command.inputs.map { ($0.key.rawValue, $0.value) }
            try fields.encode(Dictionary(uniqueKeysWithValues: inputs), forKey: .inputs)
            try fields.encode(command.output, forKey: .output)
            try fields.encodeIfPresent(command.metadata, forKey: .metadata)
            try fields.encodeIfPresent(command.checkpoint, forKey: .checkpoint)
            try fields.encodeIfPresent(command.preview, forKey: .preview)
            try fields.encodeIfPresent(command.trace, forKey: .trace)
            if !companions.isEmpty {
                try fields.encode(companions.map(Companion.init), forKey: .companions)
            }
            var request = fields.nestedContainer(keyedBy: RequestKeys.self, forKey: .request)
            try request.encode(command.prompt, forKey: .prompt)
            try request.encode(command.negativePrompt, forKey: .negativePrompt)
            try request.encode(command.width, forKey: .width)
            try request.encode(command.height, forKey: .height)
            try request.encode(command.numFrames, forKey: .numFrames)
            try request.encode(command.numInferenceSteps, forKey: .numInferenceSteps)
            try request.encode(command.guidanceScale, forKey: .guidanceScale)
            try request.encode(command.fps, forKey: .fps)
            try request.encode(command.seed, forKey: .seed)
            try request.encode(command.strength ?? 1, forKey: .strength)
            try request.encode(command.stepCache, forKey: .stepCache)
            try request.encode(command.loras, forKey: .loras)
        case .cancel(let id):
            try fields.encode("cancel", forKey: .type)
            try fields.encode(id, forKey: .id)
        case .yield(let id):
            try fields.encode("yield", forKey: .type)
            try fields.encode(id, forKey: .id)
        case .park:
            try fields.encode("park", forKey: .type)
        case .shutdown:
            try fields.encode("shutdown", forKey: .type)
        }
    }
}

/// What a companion does not have in common with the first of its pass.
private struct Companion: Encodable {
    let command: GenerateCommand

    private enum CodingKeys: String, CodingKey {
        case id
        case prompt
        case negativePrompt = "negative_prompt"
        case seed
        case output
        case metadata
        case checkpoint
        case preview
        case trace
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(command.id, forKey: .id)
        try fields.encode(command.prompt, forKey: .prompt)
        try fields.encode(command.negativePrompt, forKey: .negativePrompt)
        try fields.encode(command.seed, forKey: .seed)
        try fields.encode(command.output, forKey: .output)
        try fields.encodeIfPresent(command.metadata, forKey: .metadata)
        try fields.encodeIfPresent(command.checkpoint, forKey: .checkpoint)
        try fields.encodeIfPresent(command.preview, forKey: .preview)
        try fields.encodeIfPresent(command.trace, forKey: .trace)
    }
}
