package import Engine
import Foundation
import Synchronization

/// An engine in memory that does what a test tells it to, under the same contract as the real one.
package final class ScriptedEngine: VideoEngine {
    /// What becomes of one command.
    package enum Outcome: Sendable, Equatable {
        /// All steps, each after a pause, then a small file at `output`.
        case success(pause: Duration = .zero)
        /// Ends like this in a stage: in the middle of denoising, or at the start of a later one.
        ///
        /// After `crashed`, `stalled` and a loss of memory the engine restarts at once.
        case failure(EngineError, in: EngineProgress.Stage = .denoise)
        /// Stops in the middle of denoising, until it is cancelled or yielded, or the engine goes down.
        case hang
        /// Does each thing when the test says so: `step()`, `succeed()`, `fail(_:)`.
        case manual
    }

    private struct Script {
        var commands: [GenerateCommand] = []
        var planned: [Outcome] = []
        var running: ScriptedRun?
        /// What the test said before a command was there to hear it.
        var early: [ScriptedRun.Directive] = []
    }

    package let device: String
    /// What it says of itself while it is ready or busy.
    package let description: EngineDescription
    private let choose: @Sendable (GenerateCommand) -> Outcome
    private let board: EngineStateBoard
    private let script = Mutex(Script())

    /// - Parameters:
    ///   - device: the name it goes by.
    ///   - description: what it says of itself.
    ///   - state: the state it begins in; ready if none is given.
    ///   - outcome: what becomes of a command that nothing was planned for. Otherwise its prompt says it, in the words
    ///     of the timed engine.
    package init(
        device: String = "cpu",
        description: EngineDescription = EngineFixture.description,
        state: EngineState? = nil,
        outcome: @escaping @Sendable (GenerateCommand) -> Outcome = { Outcome(playing: $0) }
    ) {
        self.device = device
        self.description = description
        choose = outcome
        board = EngineStateBoard(state ?? .ready(description))
    }

    /// The first of its models.
    package var model: EngineModel {
        description.models.first ?? EngineFixture.model
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
        report: @escaping @Sendable (EngineReport) -> Void
    ) async throws(EngineError) -> EngineVideo {
        guard !Task.isCancelled else { throw .cancelled }
        let run = try begin(command, report)
        let outcome: Result<EngineVideo, EngineError>
        do {
            try check(command)
            outcome = .success(try await run.play())
        } catch let error as EngineError {
            outcome = .failure(error)
        } catch {
            outcome = .failure(.cancelled)
        }
        end(outcome)
        return try outcome.get()
    }

    package func yield(id: String) {
        script.withLock { script in
            guard script.running?.command.id == id else { return }
            script.running?.yield()
        }
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
        script.withLock { $0.running?.direct(.end(.crashed(message: fault.message))) }
    }

    /// Brings the engine up.
    package func becomeReady() {
        board.publish(.ready(description))
    }

    /// Shuts the engine down for good.
    package func stop() {
        board.publish(.stopped)
        script.withLock { $0.running?.direct(.end(.unavailable(EngineState.stopped.unreadiness))) }
    }

    private func direct(_ directive: ScriptedRun.Directive) {
        script.withLock { script in
            if let running = script.running {
                running.direct(directive)
            } else {
                script.early.append(directive)
            }
        }
    }

    // MARK: One command

    private func begin(
        _ command: GenerateCommand,
        _ report: @escaping @Sendable (EngineReport) -> Void
    ) throws(EngineError) -> ScriptedRun {
        let run = script.withLock { script -> ScriptedRun? in
            guard case .ready = board.state, script.running == nil else { return nil }
            board.publish(.busy(description))
            script.commands.append(command)
            let outcome = script.planned.isEmpty ? choose(command) : script.planned.removeFirst()
            let run = ScriptedRun(command: command, outcome: outcome, board: board, report: report)
            if outcome == .manual {
                script.early.forEach(run.direct)
                script.early = []
            }
            script.running = run
            return run
        }
        guard let run else { throw .unavailable(board.state.unreadiness) }
        return run
    }

    /// The last check of a request, which every engine makes itself.
    private func check(_ command: GenerateCommand) throws(EngineError) {
        let loras = Set(description.loras.map(\.name))
        guard let model = description.model(named: command.model), model.fits(command),
            !FileManager.default.fileExists(atPath: command.output)
        else { throw .rejectedInput(code: "invalid_request", message: "The request is out of range.") }
        guard command.loras.allSatisfy({ loras.contains($0.name) }) else {
            throw .rejectedInput(code: "lora_unknown", message: "There is no such LoRA.")
        }
        guard command.inputs.values.allSatisfy(FileManager.default.fileExists) else {
            throw .rejectedInput(code: "media_unreadable", message: "An input is not there.")
        }
    }

    private func end(_ outcome: Result<EngineVideo, EngineError>) {
        script.withLock { $0.running = nil }
        guard case .busy = board.state else { return }
        if case .failure(let error) = outcome, let fault = Self.fault(after: error) {
            board.publish(.restarting(fault))
        }
        board.publish(.ready(description))
    }

    /// Why the engine has to start anew after an error; `nil` if it need not.
    private static func fault(after error: EngineError) -> EngineFault? {
        switch error {
        case .crashed, .stalled:
            EngineFault(code: error.code, message: error.message)
        case .outOfMemory(let fault) where fault.hasLostMemory(beyond: 0.01):
            EngineFault(code: "engine_memory_lost", message: fault.message)
        default: nil
        }
    }
}

extension EngineModel {
    /// Whether a command is within the limits.
    fileprivate func fits(_ command: GenerateCommand) -> Bool {
        command.width.isMultiple(of: limits.sizeMultiple) && command.height.isMultiple(of: limits.sizeMultiple)
            && (limits.minWidth...limits.maxWidth).contains(command.width)
            && (limits.minHeight...limits.maxHeight).contains(command.height)
            && (limits.minFrames...limits.maxFrames).contains(command.numFrames)
            && (command.numFrames - 1).isMultiple(of: limits.frameStep)
            && (limits.minSteps...limits.maxSteps).contains(command.numInferenceSteps)
            && (limits.minGuidance...limits.maxGuidance).contains(command.guidanceScale)
            && (limits.minFps...limits.maxFps).contains(command.fps)
            && command.prompt.unicodeScalars.count <= limits.maxPromptCharacters
            && (0.05...1).contains(command.strength ?? 1) && stepCache.contains(command.stepCache)
            && memoryModes.contains(command.memoryMode) && command.inputs.keys.allSatisfy(inputs.contains)
    }
}
