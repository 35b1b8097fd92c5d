import SystemPackage

/// The generation that an engine works on: checks what is said of it, and knows how long it may be silent.
struct GenerationWatch: Sendable {
    typealias Instant = SuspendingClock.Instant

    let command: GenerateCommand
    let size: Int
    /// Whether a cancel was sent.
    private(set) var isCancelled = false
    /// Whether the model is being loaded for it.
    private(set) var isLoading = false
    private var progress: EngineProgress?
    private var lastSign: Instant

    init(command: GenerateCommand, at now: Instant) {
        self.command = command
        size = StallDeadline.size(of: command)
        lastSign = now
    }

    /// Why a message cannot be true.
    struct Contradiction: Error, Equatable {
        var reason: String
    }

    /// What the engine is doing; `nil` before it has said so.
    var stage: EngineProgress.Stage? {
        isLoading ? .load : progress?.stage
    }

    /// The model is about to be loaded.
    mutating func loading(at now: Instant) throws(Contradiction) -> EngineProgress {
        guard !isLoading, progress == nil else { throw Contradiction(reason: "it loads in the middle of its work") }
        isLoading = true
        lastSign = now
        return EngineProgress(stage: .load, step: 0, totalSteps: command.numInferenceSteps)
    }

    /// The model is on the device.
    mutating func loaded(at now: Instant) throws(Contradiction) {
        guard isLoading else { throw Contradiction(reason: "it has loaded without loading") }
        isLoading = false
        lastSign = now
    }

    /// A sign of life, if it agrees with those before: stages and steps only rise, and the total stays.
    mutating func advance(
        _ message: EngineMessage.Progress,
        learning stall: inout StallDeadline,
        at now: Instant
    ) throws(Contradiction) -> EngineProgress {
        let next = EngineProgress(stage: message.stage, step: message.step, totalSteps: message.totalSteps)
        guard message.id == command.id else { throw Contradiction(reason: "its progress names another generation") }
        guard !isLoading, message.stage != .load, message.totalSteps > 0,
            (0...message.totalSteps).contains(message.step)
        else { throw Contradiction(reason: "its progress is out of range") }
        if let progress {
            guard next.totalSteps == progress.totalSteps, next.step >= progress.step,
                next.stage.order >= progress.stage.order
            else { throw Contradiction(reason: "its progress goes back") }
            stall.learn(now - lastSign, in: progress.stage, size: size)
        }
        progress = next
        lastSign = now
        return next
    }

    /// The video that the engine says it has made, if it is the one that was asked for.
    func video(_ done: EngineMessage.Done) throws(Contradiction) -> EngineVideo {
        // Some write a path another way, with one slash where there were two.
        guard done.id == command.id, done.bytes > 0,
            FilePath(done.file).lexicallyNormalized() == FilePath(command.output).lexicallyNormalized(),
            [done.width, done.height, done.renderedWidth, done.renderedHeight, done.numFrames, done.fps]
                .allSatisfy({ $0 > 0 })
        else { throw Contradiction(reason: "its video is not the one that was asked for") }
        return EngineVideo(
            file: command.output,
            bytes: done.bytes,
            width: done.width,
            height: done.height,
            renderedWidth: done.renderedWidth,
            renderedHeight: done.renderedHeight,
            numFrames: done.numFrames,
            fps: done.fps,
            seconds: EngineProgress.Stage.allCases.reduce(into: [:]) { seconds, stage in
                seconds[stage] = done.seconds[stage.rawValue].flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
            }
        )
    }

    /// The last stage is over.
    func finish(learning stall: inout StallDeadline, at now: Instant) {
        guard let progress else { return }
        stall.learn(now - lastSign, in: progress.stage, size: size)
    }

    mutating func cancel() {
        isCancelled = true
    }
}

extension EngineProgress.Stage {
    /// Stages follow each other in the order they are declared in.
    fileprivate var order: Int {
        Self.allCases.firstIndex(of: self) ?? 0
    }
}

extension EngineError {
    /// What a `failed` means for the caller.
    init(_ failed: EngineMessage.Failed) {
        self =
            switch failed.kind {
            case .invalidInput: .rejectedInput(code: failed.code, message: failed.message)
            case .outOfMemory: .outOfMemory(message: failed.message)
            // Nobody here asked for it: somebody told the process to end.
            case .cancelled: .crashed(message: "The engine was told to end by someone else.")
            case .storage: .storage(code: failed.code, message: failed.message)
            case .loadFailed: .loadFailed(code: failed.code, message: failed.message)
            case .internal: .failed(code: failed.code, message: failed.message)
            }
    }
}
