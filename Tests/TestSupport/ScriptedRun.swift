import Engine
import Foundation
import Synchronization

/// One generation of a scripted engine.
final class ScriptedRun: Sendable {
    /// What it is told on its way.
    enum Directive: Sendable {
        case step
        case end(EngineError?)
        /// Look whether it is to give up.
        case wake
    }

    let command: GenerateCommand
    private let outcome: ScriptedEngine.Outcome
    private let board: EngineStateBoard
    private let report: @Sendable (EngineReport) -> Void
    private let directives: AsyncStream<Directive>
    private let told: AsyncStream<Directive>.Continuation
    private let isYielding = Mutex(false)

    init(
        command: GenerateCommand,
        outcome: ScriptedEngine.Outcome,
        board: EngineStateBoard,
        report: @escaping @Sendable (EngineReport) -> Void
    ) {
        self.command = command
        self.outcome = outcome
        self.board = board
        self.report = report
        (directives, told) = AsyncStream.makeStream()
    }

    func direct(_ directive: Directive) {
        told.yield(directive)
    }

    /// Has it give up at the end of its step.
    func yield() {
        isYielding.withLock { $0 = true }
        told.yield(.wake)
    }

    /// Plays the outcome.
    ///
    /// - Returns: the video, which is written.
    /// - Throws: `EngineError`, or `CancellationError` once the task is cancelled.
    func play() async throws -> EngineVideo {
        let total = command.numInferenceSteps
        if case .failure(_, in: .load) = outcome {
            try enter(.load, 0)
        }
        try enter(.encode, 0)
        let first = command.checkpoint.flatMap { ScriptedCheckpoint.step(in: $0.file, of: command) }
        if let first {
            report(.resumed(step: first))
        }
        try await denoise(from: first ?? 0)
        try enter(.decode, total)
        try enter(.write, total)
        return try ScriptedVideo.write(command, resumedStep: first ?? 0)
    }

    private func enter(_ stage: EngineProgress.Stage, _ step: Int) throws {
        try Task.checkCancellation()
        progress(stage, step)
        if case .failure(let error, stage) = outcome { throw error }
    }

    private func denoise(from first: Int) async throws {
        let total = command.numInferenceSteps
        progress(.denoise, first)
        var steps = directives.makeAsyncIterator()
        var step = first
        while step < total {
            try giveUpIfAsked(after: step)
            if case .end = try await next(step + 1, &steps) {
                // The test wants the rest at once.
                ((step + 1)...total).forEach { progress(.denoise, $0) }
                return
            }
            try checkState()
            step += 1
            progress(.denoise, step)
            try save(step)
        }
        if case .failure(let error, in: .denoise) = outcome { throw error }
    }

    /// Does a step, if the outcome lets it.
    ///
    /// - Returns: `.end` if all steps that are left are to be done at once.
    private func next(_ step: Int, _ steps: inout AsyncStream<Directive>.Iterator) async throws -> Directive {
        let isMiddle = step > command.numInferenceSteps / 2
        switch outcome {
        case .success(let pause):
            try await Task.sleep(for: pause)
            return .step
        case .failure(let error, in: .denoise) where isMiddle:
            throw error
        case .hang where isMiddle, .manual:
            while let directive = await steps.next(isolation: #isolation) {
                switch directive {
                case .step, .end(nil): return directive
                case .end(let error?): throw error
                case .wake: try giveUpIfAsked(after: step - 1)
                }
            }
            throw CancellationError()
        case .failure, .hang:
            return .step
        }
    }

    private func checkState() throws {
        try Task.checkCancellation()
        guard case .busy = board.state else {
            throw board.state == .stopped
                ? EngineError.unavailable(board.state.unreadiness) : .crashed(message: "The engine went down.")
        }
    }

    private func giveUpIfAsked(after step: Int) throws {
        guard isYielding.withLock({ $0 }) else { return }
        if let checkpoint = command.checkpoint, step > 0, !step.isMultiple(of: checkpoint.every) {
            try saveCheckpoint(step, checkpoint)
        }
        throw EngineError.yielded
    }

    private func progress(_ stage: EngineProgress.Stage, _ step: Int) {
        report(.progress(EngineProgress(stage: stage, step: step, totalSteps: command.numInferenceSteps)))
    }

    // MARK: Files of a step

    private func save(_ step: Int) throws {
        if let checkpoint = command.checkpoint,
            step.isMultiple(of: checkpoint.every) || step == command.numInferenceSteps
        {
            try saveCheckpoint(step, checkpoint)
        }
        if let preview = command.preview, step.isMultiple(of: preview.every) {
            report(.preview(step: step, bytes: try Self.write(Data("preview \(step)".utf8), preview.file)))
        }
    }

    private func saveCheckpoint(_ step: Int, _ checkpoint: GenerateCommand.Periodic) throws {
        let data = Data(ScriptedCheckpoint.text(of: command, step: step).utf8)
        report(.checkpointed(step: step, bytes: try Self.write(data, checkpoint.file)))
    }

    private static func write(_ data: Data, _ file: String) throws -> Int64 {
        do {
            try data.write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw EngineError.storage(code: "write_failed", message: "\(error)")
        }
        return Int64(data.count)
    }
}

/// What a scripted engine goes on from: the step, and what it is a step of.
enum ScriptedCheckpoint {
    static func text(of command: GenerateCommand, step: Int) -> String {
        "\(step) \(ScriptedVideo.identity(command))"
    }

    /// The step in a file, if that belongs to a command.
    static func step(in file: String, of command: GenerateCommand) -> Int? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let step = text.split(separator: " ", maxSplits: 1).first.flatMap({ Int($0) }),
            text == self.text(of: command, step: step), (0...command.numInferenceSteps).contains(step)
        else { return nil }
        return step
    }
}

/// What a scripted engine writes.
enum ScriptedVideo {
    /// All that shapes the video.
    static func identity(_ command: GenerateCommand) -> String {
        let inputs = command.inputs.map { name, file in
            let content = try? Data(contentsOf: URL(filePath: file))
            return "\(name.rawValue)=\(content?.base64EncodedString() ?? "")"
        }
        return """
            \(command.prompt) \(command.seed) \(command.model) \(command.negativePrompt) \(command.width) \(command.height) \
            \(command.numFrames) \(command.numInferenceSteps) \(command.guidanceScale) \(command.fps) \
            \(command.strength ?? 1) \(command.stepCache) \(command.loras) \(inputs.sorted())
            """
    }

    static func write(_ command: GenerateCommand, resumedStep: Int) throws(EngineError) -> EngineVideo {
        // The head of an MP4, then a box that players skip and that differs from command to command.
        let head: [UInt8] = [0, 0, 0, 16] + Array("ftypisom".utf8) + [0, 0, 2, 0]
        let mark = Array(identity(command).utf8)
        let length = withUnsafeBytes(of: UInt32(8 + mark.count).bigEndian, Array.init)
        let data = Data(head + length + Array("free".utf8) + mark)
        do {
            try data.write(to: URL(filePath: command.output), options: .withoutOverwriting)
        } catch {
            throw .storage(code: "write_failed", message: "\(error)")
        }
        return EngineVideo(
            file: command.output,
            bytes: Int64(data.count),
            width: command.width,
            height: command.height,
            renderedWidth: command.width,
            renderedHeight: command.height,
            numFrames: command.numFrames,
            fps: command.fps,
            memoryMode: command.memoryMode,
            resumedStep: resumedStep,
            seconds: [.denoise: 0.25]
        )
    }
}
