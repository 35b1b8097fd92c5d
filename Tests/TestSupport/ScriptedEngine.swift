package import Engine
import Foundation
import Synchronization

/// An engine in memory that does what a test tells it to, under the same contract as the real one.
package final class ScriptedEngine: VideoEngine {
    /// What becomes of one command.
    package enum Outcome: Sendable, Equatable {
        /// All steps, each after a pause, then, when the device is free and after another pause, a small file at `output`.
        case success(pause: Duration = .zero, write: Duration = .zero)
        /// Ends like this in a stage: in the middle of denoising, or at the start of a later one.
        ///
        /// After `crashed`, `stalled` and a loss of memory the engine restarts at once.
        case failure(EngineError, in: EngineProgress.Stage = .denoise)
        /// Stops in the middle of denoising, until it is cancelled or yielded, or the engine goes down.
        case hang
        /// Does each thing when the test says so: `step()`, `succeed()`, `fail(_:)`.
        case manual
    }

    /// What it is at, and what it is still to do.
    struct Script {
        var commands: [GenerateCommand] = []
        var planned: [Outcome] = []
        var working: ScriptedPass?
        var writing: ScriptedPass?
        /// What the test said before a command was there to hear it.
        var early: [ScriptedRun.Directive] = []
        var warmModel: String?
        var parkCount = 0

        func pass(of id: String) -> ScriptedPass? {
            [working, writing].compactMap { $0 }.first { $0.contains(id) }
        }
    }

    package let device: String
    /// What it says of itself while it is ready or busy.
    package let description: EngineDescription
    private let choose: @Sendable (GenerateCommand) -> Outcome
    let board: EngineStateBoard
    let script = Mutex(Script())

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

    package var warmModel: String? {
        script.withLock { $0.warmModel }
    }

    /// How often it moved its model off the device.
    package var parkCount: Int {
        script.withLock { $0.parkCount }
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
        _ commands: [GenerateCommand],
        report: @escaping @Sendable (_ id: String, EngineReport) -> Void,
        ended: @escaping @Sendable (_ id: String, Result<EngineVideo, EngineError>) -> Void
    ) async {
        guard !Task.isCancelled else {
            return commands.forEach { ended($0.id, .failure(.cancelled)) }
        }
        guard let pass = begin(commands, report, ended) else {
            let error = EngineError.unavailable(board.state.unreadiness)
            return commands.forEach { ended($0.id, .failure(error)) }
        }
        var accepted: [ScriptedRun] = []
        var refused: [(run: ScriptedRun, error: EngineError)] = []
        for run in pass.runs {
            do throws(EngineError) {
                try description.check(run.command, in: commands)
                accepted.append(run)
            } catch {
                refused.append((run, error))
            }
        }
        if accepted.isEmpty { leave(pass, fault: nil) }
        refused.forEach { pass.tell($0.run, .failure($0.error)) }
        guard let first = accepted.first else { return }
        script.withLock { $0.warmModel = first.command.model }
        await play(pass, accepted)
    }

    package func cancel(id: String) {
        script.withLock { $0.pass(of: id) }?.cancel(id: id)
    }

    package func yield(id: String) {
        script.withLock { script in
            guard let working = script.working, working.contains(id) else { return }
            working.yield()
        }
    }

    package func park() {
        script.withLock { script in
            guard case .ready = board.state else { return }
            script.parkCount += 1
            script.warmModel = nil
        }
    }

    package func sleep() {
        script.withLock { script in
            guard script.working == nil, script.writing == nil else { return }
            script.warmModel = nil
            board.publish(.asleep(description))
        }
    }

    package func wake() {
        guard case .asleep = board.state else { return }
        board.publish(.starting)
        board.publish(.ready(description))
    }

    // MARK: One pass

    private func begin(
        _ commands: [GenerateCommand],
        _ report: @escaping @Sendable (String, EngineReport) -> Void,
        _ ended: @escaping @Sendable (String, Result<EngineVideo, EngineError>) -> Void
    ) -> ScriptedPass? {
        script.withLock { script in
            guard case .ready = board.state, script.working == nil else { return nil }
            board.publish(.busy(description))
            script.commands += commands
            let runs = commands.map { command in
                let outcome = script.planned.isEmpty ? choose(command) : script.planned.removeFirst()
                return ScriptedRun(command: command, outcome: outcome, report: report)
            }
            let pass = ScriptedPass(runs, ended: ended)
            if runs.contains(where: { $0.outcome == .manual }) {
                script.early.forEach(pass.direct)
                script.early = []
            }
            script.working = pass
            return pass
        }
    }

    private func play(_ pass: ScriptedPass, _ runs: [ScriptedRun]) async {
        var computed = await pass.compute(runs)
        while !computed.decoded.isEmpty, !release(pass) {
            // The files of the pass before it come first.
            computed = await waitForFiles(computed)
        }
        if computed.decoded.isEmpty {
            if computed.failed.contains(where: { $0.error.isCrash }) {
                crash(.crashed(message: "The engine went down."))
            }
            leave(pass, fault: computed.fault)
        }
        computed.failed.forEach { pass.tell($0.run, .failure($0.error)) }
        computed.decoded.forEach { $0.run.release() }
        for (index, decoded) in computed.decoded.enumerated() {
            let outcome = await decoded.run.write(resumedStep: decoded.resumedStep)
            if case .failure(let error) = outcome, error.isCrash, let fault = error.restart {
                crash(error)
                restart(fault)
            }
            if index == computed.decoded.count - 1 { finishWriting() }
            pass.tell(decoded.run, outcome)
        }
    }

    /// Whether the device is free from now on, and the files may be written.
    private func release(_ pass: ScriptedPass) -> Bool {
        script.withLock { script in
            guard script.writing == nil else { return false }
            script.writing = pass
            script.working = nil
            if case .busy = board.state { board.publish(.ready(description)) }
            return true
        }
    }

    private func waitForFiles(_ computed: ScriptedPass.Computed) async -> ScriptedPass.Computed {
        var left = computed
        left.decoded = []
        for decoded in computed.decoded {
            do throws(EngineError) {
                try await decoded.run.pause(.milliseconds(1))
                left.decoded.append(decoded)
            } catch {
                left.failed.append((decoded.run, error))
            }
        }
        return left
    }

    private func finishWriting() {
        script.withLock { script in
            script.writing = nil
            // A loss of memory has waited for it.
            if case .restarting(let fault) = board.state, fault.code == "engine_memory_lost" {
                board.publish(.ready(description))
            }
        }
    }

    /// A pass has ended on the device.
    private func leave(_ pass: ScriptedPass, fault: EngineFault?) {
        let hasFiles = script.withLock { script in
            script.working = nil
            return script.writing != nil
        }
        guard case .busy = board.state else { return }
        guard let fault else { return board.publish(.ready(description)) }
        if fault.code == "engine_memory_lost", hasFiles {
            script.withLock { $0.warmModel = nil }
            board.publish(.restarting(fault))
        } else {
            restart(fault)
        }
    }

    private func restart(_ fault: EngineFault) {
        script.withLock { $0.warmModel = nil }
        board.publish(.restarting(fault))
        board.publish(.ready(description))
    }

    /// Whatever is at work or being written ends like this.
    func crash(_ error: EngineError) {
        let passes = script.withLock { script in
            script.warmModel = nil
            return [script.working, script.writing].compactMap { $0 }
        }
        passes.forEach { $0.end(error) }
    }
}
