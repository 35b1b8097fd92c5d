import Engine
import Foundation
import Results
import Tasks

extension ModelDescription {
    /// Reads what an engine declared of a model; `nil` if it has none of that name.
    init?(named name: String, of engine: EngineDescription) {
        guard let model = engine.model(named: name) else { return nil }
        self.init(model, engineVersion: engine.engineVersion)
    }

    /// Reads what an engine declared; `nil` if a range of it is none.
    init?(_ model: EngineModel, engineVersion: String) {
        guard model.isSound else { return nil }
        let limits = model.limits
        self.init(
            name: model.name,
            fingerprint: model.fingerprint,
            engineVersion: engineVersion,
            limits: ModelLimits(
                width: limits.minWidth...limits.maxWidth,
                height: limits.minHeight...limits.maxHeight,
                sizeMultiple: limits.sizeMultiple,
                maxPixels: limits.maxPixels,
                frames: limits.minFrames...limits.maxFrames,
                frameStep: limits.frameStep,
                steps: limits.minSteps...limits.maxSteps,
                guidance: limits.minGuidance...limits.maxGuidance,
                fps: limits.minFps...limits.maxFps,
                maxPromptCharacters: limits.maxPromptCharacters
            ),
            defaults: RequestDefaults(
                width: model.defaults.width,
                height: model.defaults.height,
                numFrames: model.defaults.numFrames,
                numInferenceSteps: model.defaults.numInferenceSteps,
                guidanceScale: model.defaults.guidanceScale,
                fps: model.defaults.fps,
                negativePrompt: model.defaults.negativePrompt,
                strength: model.defaults.strength
            ),
            family: model.family,
            weightBytes: model.weightBytes,
            inputs: Set(model.inputs.map(InputRole.init)),
            stepCache: Set(model.stepCache.compactMap(StepCacheLevel.init)).union([.off]),
            memoryModes: model.memoryModes.map(MemoryMode.init),
            memoryTable: model.memoryTable.map { entry in
                MemoryFit(
                    mode: MemoryMode(entry.mode),
                    shape: VideoShape(width: entry.width, height: entry.height, numFrames: entry.numFrames),
                    minMemoryBytes: entry.minMemoryBytes
                )
            },
            sizes: model.sizes.compactMap { $0.count == 2 ? VideoSize(width: $0[0], height: $0[1]) : nil }
        )
    }

    /// What a request's video is found by when this model makes it.
    func key(of request: VideoRequest, scope: String? = nil) -> ResultKey {
        ResultKey(
            canonicalRequest: request.canonicalBytes,
            modelFingerprint: fingerprint,
            engineVersion: engineVersion,
            scope: scope
        )
    }
}

extension GenerationKey {
    /// The key of a result, with its scope behind it: whoever finishes the generation computes the key again.
    init(_ key: ResultKey, scope: String?) {
        self.init(rawValue: scope.map { "\(key.hex):\($0)" } ?? key.hex)
    }

    /// Who shares the video with whom; `nil` if everybody does.
    var scope: String? {
        rawValue.firstIndex(of: ":").map { String(rawValue[rawValue.index(after: $0)...]) }
    }
}

extension GenerateCommand {
    /// What an engine is told for an attempt.
    ///
    /// - Parameters:
    ///   - attempt: what is made, and how.
    ///   - metadata: what the file is to say of itself.
    ///   - output: where it goes.
    ///   - inputs: paths of what the request brings.
    ///   - checkpoint: where the checkpoint is, and after how many steps it is written; `nil` for none.
    ///   - preview: the same for the preview.
    ///   - trace: what it belongs to.
    init(
        _ attempt: Attempt,
        metadata: VideoMetadata?,
        output: String,
        inputs: [InputRole: String],
        checkpoint: (file: String, every: Int)?,
        preview: (file: String, every: Int)?,
        trace: TraceContext?
    ) {
        let generation = attempt.claimed.generation
        let request = generation.request.reduced(by: generation.plan)
        self.init(
            id: attempt.id,
            model: attempt.model.name,
            prompt: request.prompt,
            negativePrompt: request.negativePrompt,
            width: request.width,
            height: request.height,
            numFrames: request.numFrames,
            numInferenceSteps: request.numInferenceSteps,
            guidanceScale: request.guidanceScale,
            fps: request.fps,
            seed: generation.seed,
            strength: request.strength,
            stepCache: request.stepCache.rawValue,
            loras: request.loras.map { LoRA(name: $0.name, scale: $0.scale) },
            inputs: Dictionary(uniqueKeysWithValues: inputs.map { (EngineInput($0.key), $0.value) }),
            memoryMode: EngineMemoryMode(attempt.mode),
            output: output,
            metadata: metadata,
            checkpoint: checkpoint.map { Periodic(file: $0.file, every: $0.every) },
            preview: preview.map { Periodic(file: $0.file, every: $0.every) },
            trace: trace?.parent
        )
    }

    /// One name for each attempt, so that nothing an earlier one left can be taken for its own.
    static func id(of claimed: ClaimedGeneration) -> String {
        "\(claimed.generation.id)-\(claimed.lease.fence)"
    }
}

extension GenerationProgress {
    init(_ progress: EngineProgress) {
        let stage: Stage =
            switch progress.stage {
            case .load: .load
            case .encode: .encode
            case .denoise: .denoise
            case .decode: .decode
            case .write: .write
            }
        self.init(stage: stage, step: progress.step, totalSteps: progress.totalSteps)
    }
}

extension GenerationResult {
    /// What was made for a generation.
    ///
    /// - Parameters:
    ///   - video: as the engine says.
    ///   - stored: as it is kept.
    ///   - made: what was asked of the engine.
    ///   - asked: what was asked of the server.
    init(_ video: EngineVideo, stored: StoredVideo, made: VideoRequest, for asked: VideoRequest) {
        self.init(
            video: stored.name.hex,
            bytes: stored.bytes,
            width: video.width,
            height: video.height,
            renderedWidth: video.renderedWidth,
            renderedHeight: video.renderedHeight,
            numFrames: video.numFrames,
            fps: video.fps,
            memoryMode: MemoryMode(video.memoryMode),
            steps: made.numInferenceSteps == asked.numInferenceSteps ? nil : made.numInferenceSteps,
            stepCache: made.stepCache == asked.stepCache ? nil : made.stepCache
        )
    }
}

extension MemoryMode {
    init(_ mode: EngineMemoryMode) {
        self =
            switch mode {
            case .full: .full
            case .modelOffload: .modelOffload
            case .modelOffload8Bit: .modelOffload8Bit
            case .sequentialOffload: .sequentialOffload
            }
    }
}

extension EngineMemoryMode {
    init(_ mode: MemoryMode) {
        self =
            switch mode {
            case .full: .full
            case .modelOffload: .modelOffload
            case .modelOffload8Bit: .modelOffload8Bit
            case .sequentialOffload: .sequentialOffload
            }
    }
}

extension InputRole {
    init(_ input: EngineInput) {
        self =
            switch input {
            case .startImage: .startImage
            case .endImage: .endImage
            case .video: .video
            case .controlVideo: .controlVideo
            case .refImage: .refImage
            }
    }
}

extension EngineInput {
    init(_ role: InputRole) {
        self =
            switch role {
            case .startImage: .startImage
            case .endImage: .endImage
            case .video: .video
            case .controlVideo: .controlVideo
            case .refImage: .refImage
            }
    }
}

extension ModelCatalog {
    /// Everything that some engines have, in the order of the first.
    init(_ engines: [EngineDescription]) {
        self.init(models: [], loras: [])
        for engine in engines {
            for model in engine.models where self.model(named: model.name) == nil {
                if let model = ModelDescription(model, engineVersion: engine.engineVersion) { models.append(model) }
            }
            for lora in engine.loras where !loras.contains(where: { $0.name == lora.name }) {
                loras.append(LoRADescription(name: lora.name, fingerprint: lora.fingerprint, bytes: lora.bytes))
            }
        }
    }
}
