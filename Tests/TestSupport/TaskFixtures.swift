package import Tasks

/// A model with the limits of EasyAnimate V5.1.
extension ModelDescription {
    package static let fixture = ModelDescription(
        name: "fixture",
        fingerprint: String(repeating: "f", count: 64),
        engineVersion: "1",
        limits: ModelLimits(
            width: 64...1344,
            height: 64...1344,
            sizeMultiple: 16,
            maxPixels: 1_048_576,
            frames: 1...49,
            frameStep: 4,
            steps: 1...100,
            guidance: 1...20,
            fps: 1...60,
            maxPromptCharacters: 2000
        ),
        defaults: RequestDefaults(
            width: 672,
            height: 384,
            numFrames: 49,
            numInferenceSteps: 50,
            guidanceScale: 5,
            fps: 8,
            negativePrompt: ""
        )
    )
}

extension VideoRequest {
    /// A valid request with this prompt.
    package static func fixture(_ prompt: String = "a cat", seed: Int? = nil) throws -> VideoRequest {
        var draft = Draft()
        draft.prompt = prompt
        draft.seed = seed
        return try VideoRequest(draft, for: .fixture)
    }
}

extension GenerationResult {
    package static let fixture = GenerationResult(
        video: String(repeating: "a", count: 64),
        bytes: 1234,
        width: 672,
        height: 384,
        renderedWidth: 112,
        renderedHeight: 64,
        numFrames: 49,
        fps: 8
    )
}

extension NewTask {
    private static let ids = TaskIDSource(clock: SystemClock())

    /// A new task of a key; equal keys want the same video.
    package static func fixture(
        _ key: String = "a",
        tenant: TenantID = .standard,
        priority: Int = 0,
        idempotency: Idempotency? = nil,
        cache: CacheUse = .use,
        callback: Callback? = nil
    ) throws -> NewTask {
        NewTask(
            id: ids.next(),
            tenant: tenant,
            key: GenerationKey(rawValue: key),
            request: try .fixture(key),
            seed: 7,
            model: "fixture",
            priority: priority,
            idempotency: idempotency,
            cache: cache,
            callback: callback
        )
    }
}

extension Callback {
    /// A callback to a receiver.
    package static func fixture(
        _ receiver: String = "https://receiver.example:443",
        events: Set<CallbackEvent> = CallbackEvent.ends
    ) -> Callback {
        Callback(
            url: CallbackURL(stored: "\(receiver)/hook", receiver: receiver),
            events: events,
            origin: "http://animato.example"
        )
    }
}
