import SystemPackage

/// Why a message of an engine cannot be true.
struct Contradiction: Error, Equatable {
    var reason: String
}

/// One generation that an engine works on or writes: checks what is said of it.
struct GenerationWatch: Sendable {
    let command: GenerateCommand
    /// Whether a cancel was sent.
    var isCancelled = false
    private var progress: EngineProgress?
    private var resumedStep: Int?

    init(_ command: GenerateCommand) {
        self.command = command
    }

    /// What the engine is doing for it; `nil` before it has said so.
    var stage: EngineProgress.Stage? {
        progress?.stage
    }

    /// It goes on from a checkpoint.
    mutating func resumed(at step: Int) throws(Contradiction) -> EngineReport {
        guard command.checkpoint != nil, resumedStep == nil, progress.map({ $0.stage == .encode }) ?? true,
            (0...command.numInferenceSteps).contains(step)
        else { throw Contradiction(reason: "it resumes what it was not doing") }
        resumedStep = step
        return .resumed(step: step)
    }

    /// A checkpoint of a step that is over is at its file.
    func checkpointed(_ message: EngineMessage.Saved) throws(Contradiction) -> EngineReport {
        try check(message, isAskedFor: command.checkpoint != nil)
        return .checkpointed(step: message.step, bytes: message.bytes)
    }

    /// A preview of a step that is over is at its file.
    func previewed(_ message: EngineMessage.Saved) throws(Contradiction) -> EngineReport {
        try check(message, isAskedFor: command.preview != nil)
        return .preview(step: message.step, bytes: message.bytes)
    }

    private func check(_ message: EngineMessage.Saved, isAskedFor: Bool) throws(Contradiction) {
        guard isAskedFor, message.bytes > 0, let progress, progress.stage != .encode,
            (0...progress.step).contains(message.step)
        else { throw Contradiction(reason: "it saves what it was not doing") }
    }

    /// A sign of life, if it agrees with those before: stages and steps only rise, and the total stays.
    mutating func advance(_ message: EngineMessage.Progress) throws(Contradiction) -> EngineReport {
        let next = EngineProgress(stage: message.stage, step: message.step, totalSteps: message.totalSteps)
        guard message.stage != .load, message.totalSteps > 0, (0...message.totalSteps).contains(message.step),
            message.stage == .encode || message.step >= resumedStep ?? 0
        else { throw Contradiction(reason: "its progress is out of range") }
        if let progress {
            guard next.totalSteps == progress.totalSteps, next.step >= progress.step,
                next.stage.order >= progress.stage.order
            else { throw Contradiction(reason: "its progress goes back") }
        }
        progress = next
        return .progress(next)
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
            },
            peakBytes: done.peakBytes.flatMap { $0 >= 0 ? $0 : nil }
        )
    }
}

extension EngineProgress.Stage {
    /// Stages follow each other in the order they are declared in.
    fileprivate var order: Int {
        Self.allCases.firstIndex(of: self) ?? 0
    }
}
