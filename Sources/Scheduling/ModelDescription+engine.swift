import Engine
import Foundation
import Results
import Tasks

extension ModelDescription {
    /// Reads what an engine declared; `nil` if a range of it is none.
    init?(_ model: EngineModel) {
        guard model.isSound else { return nil }
        let limits = model.limits
        self.init(
            name: model.name,
            fingerprint: model.fingerprint,
            engineVersion: model.engineVersion,
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
                negativePrompt: model.defaults.negativePrompt
            )
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
    /// What an engine is told for a claimed generation.
    init(_ claimed: ClaimedGeneration, metadata: VideoMetadata?, output: String) {
        let request = claimed.generation.request
        self.init(
            id: Self.id(of: claimed),
            prompt: request.prompt,
            negativePrompt: request.negativePrompt,
            width: request.width,
            height: request.height,
            numFrames: request.numFrames,
            numInferenceSteps: request.numInferenceSteps,
            guidanceScale: request.guidanceScale,
            fps: request.fps,
            seed: claimed.generation.seed,
            output: output,
            metadata: metadata
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
    init(_ video: EngineVideo, stored: StoredVideo) {
        self.init(
            video: stored.name.hex,
            bytes: stored.bytes,
            width: video.width,
            height: video.height,
            renderedWidth: video.renderedWidth,
            renderedHeight: video.renderedHeight,
            numFrames: video.numFrames,
            fps: video.fps
        )
    }
}
