package import Engine
import Foundation
import Synchronization

/// An engine in memory that does what a test tells it to, under the same contract as the real one.
package final class ScriptedEngine: VideoEngine {
    /// What becomes of one command.
    package enum Outcome: Sendable, Equatable {
        /// All steps, each after a pause, then a small file at `output`.
        case success(pause: Duration = .zero)
        /// Ends like this in the middle of denoising. After `crashed` and `stalled` the engine restarts at once.
        case failure(EngineError)
        /// Stops in the middle of denoising, until the calling task is cancelled or the engine goes down.
        case hang
        /// Does each thing when the test says so: `step()`, `succeed()`, `fail(_:)`.
        case manual
    }

    private enum Directive: Sendable {
        case step
        case end(EngineError?)
    }

    private struct Script {
        var commands: [GenerateCommand] = []
        var planned: [Outcome] = []
        var running: AsyncStream<Directive>.Continuation?
        /// What the test said before a command was there to hear it.
        var early: [Directive] = []
    }

    package let device: String
    /// Shown while the engine is ready or busy.
    package let model: EngineModel
    private let choose: @Sendable (GenerateCommand) -> Outcome
    private let board: EngineStateBoard
    private let script = Mutex(Script())

    /// - Parameters:
    ///   - device: the name it goes by.
    ///   - model: what it says it can make.
    ///   - state: the state it begins in; ready if none is given.
    ///   - outcome: what becomes of a command that nothing was planned for. Otherwise its prompt says it, in the words
    ///     of the timed engine.
    package init(
        device: String = "cpu",
        model: EngineModel = EngineFixture.model,
        state: EngineState? = nil,
        outcome: @escaping @Sendable (GenerateCommand) -> Outcome = { Outcome(prompt: $0.prompt) }
    ) {
        self.device = device
        self.model = model
        choose = outcome
        board = EngineStateBoard(state ?? .ready(model))
    }

    package var state: EngineState {
        board.state
    }

    package func states() -> AsyncStream<EngineState> {
        board.states()
    }

    /// Every command so far, in order, those that were refused for want of readiness not among them.
    package var commands: [GenerateCommand] {
        script.withLock { $0.commands }
    }

    /// Plans the outcomes of the next commands, one each.
    package func plan(_ outcomes: Outcome...) {
        script.withLock { $0.planned += outcomes }
    }

    package func generate(
        _ command: GenerateCommand,
        report: @escaping @Sendable (EngineProgress) -> Void
    ) async throws(EngineError) -> EngineVideo {
        guard !Task.isCancelled else { throw .cancelled }
        let (directives, running) = AsyncStream.makeStream(of: Directive.self)
        let outcome = try begin(command, running)
        let ending: EngineError?
        do {
            try check(command)
            try await play(outcome, of: command, directives: directives, report: report)
            ending = nil
        } catch let error as EngineError {
            ending = error
        } catch {
            ending = .cancelled
        }
        end(ending)
        if let ending {
            throw ending
        }
        return try Self.write(command)
    }

    // MARK: What the test does to it

    /// Lets a manual command do one denoising step; a step that is asked for before there is one is not lost.
    package func step() {
        direct(.step)
    }

    /// Lets a manual command do the rest and end well.
    package func succeed() {
        direct(.end(nil))
    }

    /// Ends a manual or hanging command.
    package func fail(_ error: EngineError) {
        direct(.end(error))
    }

    /// Takes the engine down until `becomeReady()`; what runs crashes.
    package func becomeUnavailable(_ fault: EngineFault) {
        board.publish(.restarting(fault))
        script.withLock { _ = $0.running?.yield(.end(.crashed(message: fault.message))) }
    }

    /// Brings the engine up.
    package func becomeReady() {
        board.publish(.ready(model))
    }

    /// Shuts the engine down for good.
    package func stop() {
        board.publish(.stopped)
        script.withLock { _ = $0.running?.yield(.end(.unavailable(EngineState.stopped.unreadiness))) }
    }

    private func direct(_ directive: Directive) {
        script.withLock { script in
            if let running = script.running {
                running.yield(directive)
            } else {
                script.early.append(directive)
            }
        }
    }

    // MARK: One command

    private func begin(
        _ command: GenerateCommand,
        _ running: AsyncStream<Directive>.Continuation
    ) throws(EngineError) -> Outcome {
        let outcome = script.withLock { script -> Outcome? in
            guard case .ready = board.state, script.running == nil else { return nil }
            board.publish(.busy(model))
            script.commands.append(command)
            let outcome = script.planned.isEmpty ? choose(command) : script.planned.removeFirst()
            if outcome == .manual {
                script.early.forEach { running.yield($0) }
                script.early = []
            }
            script.running = running
            return outcome
        }
        guard let outcome else { throw .unavailable(board.state.unreadiness) }
        return outcome
    }

    /// The last check of a request, which every engine makes itself.
    private func check(_ command: GenerateCommand) throws(EngineError) {
        let limits = model.limits
        let fits =
            command.width.isMultiple(of: limits.sizeMultiple) && command.height.isMultiple(of: limits.sizeMultiple)
            && (limits.minWidth...limits.maxWidth).contains(command.width)
            && (limits.minHeight...limits.maxHeight).contains(command.height)
            && (limits.minFrames...limits.maxFrames).contains(command.numFrames)
            && (command.numFrames - 1).isMultiple(of: limits.frameStep)
            && (limits.minSteps...limits.maxSteps).contains(command.numInferenceSteps)
            && (limits.minGuidance...limits.maxGuidance).contains(command.guidanceScale)
            && (limits.minFps...limits.maxFps).contains(command.fps)
            && command.prompt.unicodeScalars.count <= limits.maxPromptCharacters
            && !FileManager.default.fileExists(atPath: command.output)
        guard fits else { throw .rejectedInput(code: "invalid_request", message: "The request is out of range.") }
    }

    private func end(_ ending: EngineError?) {
        script.withLock { $0.running = nil }
        if case .crashed(let message) = ending, case .busy = board.state {
            board.publish(.restarting(EngineFault(code: "engine_crashed", message: message)))
            board.publish(.ready(model))
        } else if case .busy = board.state {
            board.publish(.ready(model))
        }
    }

    /// Throws `EngineError`, or `CancellationError` once the task is cancelled.
    private func play(
        _ outcome: Outcome,
        of command: GenerateCommand,
        directives: AsyncStream<Directive>,
        report: @Sendable (EngineProgress) -> Void
    ) async throws {
        let total = command.numInferenceSteps
        report(EngineProgress(stage: .encode, step: 0, totalSteps: total))
        report(EngineProgress(stage: .denoise, step: 0, totalSteps: total))
        var steps = directives.makeAsyncIterator()
        for step in 1...max(total, 1) {
            switch outcome {
            case .success(let pause):
                try await Task.sleep(for: pause)
            case .failure(let error) where step > total / 2:
                throw error
            case .failure:
                break
            case .hang where step > total / 2, .manual:
                switch await steps.next() {
                case .step: break
                case .end(let error?): throw error
                case .end(nil): return try finish(command, from: step, report)
                case nil: throw CancellationError()
                }
            case .hang:
                break
            }
            try Task.checkCancellation()
            guard case .busy = board.state else {
                throw board.state == .stopped
                    ? EngineError.unavailable(board.state.unreadiness) : .crashed(message: "The engine went down.")
            }
            report(EngineProgress(stage: .denoise, step: step, totalSteps: total))
        }
        try finish(command, from: total + 1, report)
    }

    private func finish(
        _ command: GenerateCommand,
        from step: Int,
        _ report: @Sendable (EngineProgress) -> Void
    ) throws {
        try Task.checkCancellation()
        let total = command.numInferenceSteps
        for step in step..<max(total + 1, step) {
            report(EngineProgress(stage: .denoise, step: step, totalSteps: total))
        }
        report(EngineProgress(stage: .decode, step: total, totalSteps: total))
        report(EngineProgress(stage: .write, step: total, totalSteps: total))
    }

    private static func write(_ command: GenerateCommand) throws(EngineError) -> EngineVideo {
        // The head of an MP4, then a box that players skip and that differs from command to command.
        let head: [UInt8] = [0, 0, 0, 16] + Array("ftypisom".utf8) + [0, 0, 2, 0]
        let mark = Array("\(command.prompt) \(command.seed)".utf8)
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
            seconds: [.denoise: 0.25]
        )
    }
}

extension ScriptedEngine.Outcome {
    /// What the timed engine would do with this prompt; plain prompts succeed.
    package init(prompt: String) {
        let faults = prompt.split(separator: " ").filter { $0.hasPrefix("@") }
        let pause = faults.lazy.compactMap { $0.hasPrefix("@step=") ? Double($0.dropFirst(6)) : nil }.first ?? 0
        self =
            switch faults.first(where: { !$0.hasPrefix("@step") }) {
            case "@crash": .failure(.crashed(message: "played"))
            case "@garbage", "@oversize": .failure(.crashed(message: "played a broken frame"))
            case "@hang", "@hang-hard": .hang
            case "@oom": .failure(.outOfMemory(message: "played"))
            case "@invalid": .failure(.rejectedInput(code: "invalid_request", message: "played"))
            case "@disk-full": .failure(.storage(code: "disk_full", message: "played"))
            case "@internal": .failure(.failed(code: "internal", message: "played"))
            default: .success(pause: .seconds(pause))
            }
    }
}
