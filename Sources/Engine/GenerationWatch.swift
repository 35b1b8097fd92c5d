import SystemPackage

/// The generation that an engine works on: checks what is said of it, and knows how long it may be silent.
struct GenerationWatch: Sendable {
    typealias Instant = SuspendingClock.Instant

    let command: GenerateCommand
    let size: Int
    /// Whether a cancel was sent.
    private(set) var isCancelled = false
    /// Whether it was asked to give up with a checkpoint.
    private(set) var isYielding = false
    /// Whether the model is being loaded for it.
    private(set) var isLoading = false
    private var progress: EngineProgress?
    private var resumedStep: Int?
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

    /// Whether its steps are over, so that it ends sooner than it could give up.
    var isFinishing: Bool {
        stage == .decode || stage == .write
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

    /// It goes on from a checkpoint.
    mutating func resumed(_ message: EngineMessage.Resumed, at now: Instant) throws(Contradiction) -> EngineReport {
        guard message.id == command.id, command.checkpoint != nil, resumedStep == nil, !isLoading,
            progress.map({ $0.stage == .encode }) ?? true, (0...command.numInferenceSteps).contains(message.step)
        else { throw Contradiction(reason: "it resumes what it was not doing") }
        resumedStep = message.step
        lastSign = now
        return .resumed(step: message.step)
    }

    /// A file of a step that is over is there.
    ///
    /// - Returns: the step and the length.
    mutating func saved(
        _ message: EngineMessage.Saved,
        isAskedFor: Bool,
        learning stall: inout StallDeadline,
        at now: Instant
    ) throws(Contradiction) -> (step: Int, bytes: Int64) {
        guard message.id == command.id, isAskedFor, message.bytes > 0, !isLoading, let progress,
            progress.stage != .encode, (0...progress.step).contains(message.step)
        else { throw Contradiction(reason: "it saves what it was not doing") }
        stall.learn(now - lastSign, in: progress.stage, size: size)
        lastSign = now
        return (message.step, message.bytes)
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
            (0...message.totalSteps).contains(message.step),
            message.stage == .encode || message.step >= resumedStep ?? 0
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
                .allSatisfy({ $0 > 0 }),
            done.memoryMode == command.memoryMode, done.resumedStep == resumedStep ?? 0,
            (0...command.numInferenceSteps).contains(done.skippedSteps)
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
            memoryMode: done.memoryMode,
            resumedStep: done.resumedStep,
            skippedSteps: done.skippedSteps,
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

    mutating func yield() {
        isYielding = true
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
            case .outOfMemory:
                .outOfMemory(
                    EngineMemoryFault(
                        message: failed.message,
                        stage: failed.stage,
                        freeBytesBefore: failed.freeBytesBefore,
                        freeBytesAfter: failed.freeBytesAfter
                    )
                )
            case .yielded: .yielded
            // Nobody here asked for it: somebody told the process to end.
            case .cancelled: .crashed(message: "The engine was told to end by someone else.")
            case .storage: .storage(code: failed.code, message: failed.message)
            case .loadFailed: .loadFailed(code: failed.code, message: failed.message)
            case .internal: .failed(code: failed.code, message: failed.message)
            }
    }
}
