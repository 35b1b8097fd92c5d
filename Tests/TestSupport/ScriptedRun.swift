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

    private struct Orders {
        var isYielding = false
        /// What it is to end as.
        var end: EngineError?
    }

    /// How often it looks whether it is to end while it pauses.
    private static let glance = Duration.milliseconds(5)

    let command: GenerateCommand
    let outcome: ScriptedEngine.Outcome
    private let report: @Sendable (String, EngineReport) -> Void
    private let directives: AsyncStream<Directive>
    private let told: AsyncStream<Directive>.Continuation
    private let orders = Mutex(Orders())

    init(
        command: GenerateCommand,
        outcome: ScriptedEngine.Outcome,
        report: @escaping @Sendable (String, EngineReport) -> Void
    ) {
        self.command = command
        self.outcome = outcome
        self.report = report
        (directives, told) = AsyncStream.makeStream()
    }

    // MARK: What it is told

    func direct(_ directive: Directive) {
        told.yield(directive)
    }

    /// Has it give up at the end of its step.
    func yield() {
        orders.withLock { $0.isYielding = true }
        told.yield(.wake)
    }

    /// Has it end like this as soon as it looks; the first such order counts.
    func end(_ error: EngineError) {
        orders.withLock { $0.end = $0.end ?? error }
        told.yield(.wake)
    }

    /// What it was told to end as.
    var orderedEnd: EngineError? {
        orders.withLock { $0.end }
    }

    // MARK: What it does

    /// Plays the outcome until only the file is missing.
    ///
    /// - Returns: the step that it went on from.
    func compute() async -> Result<Int, EngineError> {
        do throws(EngineError) {
            let total = command.numInferenceSteps
            if case .failure(_, in: .load) = outcome {
                try enter(.load, 0)
            }
            try enter(.encode, 0)
            let first = command.checkpoint.flatMap { ScriptedCheckpoint.step(in: $0.file, of: command) }
            if let first {
                report(command.id, .resumed(step: first))
            }
            try await denoise(from: first ?? 0)
            try enter(.decode, total)
            return .success(first ?? 0)
        } catch {
            return .failure(error)
        }
    }

    func release() {
        report(command.id, .released)
    }

    /// Writes the file.
    func write(resumedStep: Int) async -> Result<EngineVideo, EngineError> {
        do throws(EngineError) {
            try enter(.write, command.numInferenceSteps)
            if case .success(_, let duration) = outcome {
                try await pause(duration)
            }
            try check()
            return .success(try ScriptedVideo.write(command, resumedStep: resumedStep))
        } catch {
            return .failure(error)
        }
    }

    /// Lets time pass.
    func pause(_ duration: Duration) async throws(EngineError) {
        let end = ContinuousClock.now + duration
        try check()
        while ContinuousClock.now < end {
            do {
                try await Task.sleep(for: min(Self.glance, duration))
            } catch {
                throw .cancelled
            }
            try check()
        }
    }

    func check() throws(EngineError) {
        if Task.isCancelled { throw .cancelled }
        if let error = orderedEnd { throw error }
    }

    private func enter(_ stage: EngineProgress.Stage, _ step: Int) throws(EngineError) {
        try check()
        progress(stage, step)
        if case .failure(let error, stage) = outcome { throw error }
    }

    private func denoise(from first: Int) async throws(EngineError) {
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
            try check()
            step += 1
            progress(.denoise, step)
            try save(step)
        }
        if case .failure(let error, in: .denoise) = outcome { throw error }
    }

    /// Does a step, if the outcome lets it.
    ///
    /// - Returns: `.end` if all steps that are left are to be done at once.
    private func next(
        _ step: Int,
        _ steps: inout AsyncStream<Directive>.Iterator
    ) async throws(EngineError) -> Directive {
        let isMiddle = step > command.numInferenceSteps / 2
        switch outcome {
        case .success(let pause, _):
            try await self.pause(pause)
            return .step
        case .failure(let error, in: .denoise) where isMiddle:
            throw error
        case .hang where isMiddle, .manual:
            while let directive = await steps.next(isolation: #isolation) {
                switch directive {
                case .step, .end(nil): return directive
                case .end(let error?): throw error
                case .wake:
                    try check()
                    try giveUpIfAsked(after: step - 1)
                }
            }
            throw .cancelled
        case .failure, .hang:
            return .step
        }
    }

    private func giveUpIfAsked(after step: Int) throws(EngineError) {
        guard orders.withLock({ $0.isYielding }) else { return }
        if let checkpoint = command.checkpoint, step > 0, !step.isMultiple(of: checkpoint.every) {
            try saveCheckpoint(step, checkpoint)
        }
        throw .yielded
    }

    private func progress(_ stage: EngineProgress.Stage, _ step: Int) {
        let progress = EngineProgress(stage: stage, step: step, totalSteps: command.numInferenceSteps)
        report(command.id, .progress(progress))
    }

    // MARK: Files of a step

    private func save(_ step: Int) throws(EngineError) {
        if let checkpoint = command.checkpoint,
            step.isMultiple(of: checkpoint.every) || step == command.numInferenceSteps
        {
            try saveCheckpoint(step, checkpoint)
        }
        if let preview = command.preview, step.isMultiple(of: preview.every) {
            let bytes = try Self.write(Data("preview \(step)".utf8), preview.file)
            report(command.id, .preview(step: step, bytes: bytes))
        }
    }

    private func saveCheckpoint(_ step: Int, _ checkpoint: GenerateCommand.Periodic) throws(EngineError) {
        let data = Data(ScriptedCheckpoint.text(of: command, step: step).utf8)
        report(command.id, .checkpointed(step: step, bytes: try Self.write(data, checkpoint.file)))
    }

    private static func write(_ data: Data, _ file: String) throws(EngineError) -> Int64 {
        do {
            try data.write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw .storage(code: "write_failed", message: "\(error)")
        }
        return Int64(data.count)
    }
}
