import Engine
import Synchronization

/// The generations of one pass of a scripted engine.
final class ScriptedPass: Sendable {
    let runs: [ScriptedRun]
    private let ended: @Sendable (String, Result<EngineVideo, EngineError>) -> Void

    init(_ runs: [ScriptedRun], ended: @escaping @Sendable (String, Result<EngineVideo, EngineError>) -> Void) {
        self.runs = runs
        self.ended = ended
    }

    /// What only waits to be written.
    struct Decoded: Sendable {
        var run: ScriptedRun
        var resumedStep: Int
    }

    /// How a pass left the device.
    struct Computed: Sendable {
        /// What remains to be written, in the order of the pass.
        var decoded: [Decoded] = []
        /// Those that ended with it, to be told when the engine is free.
        var failed: [(run: ScriptedRun, error: EngineError)] = []

        /// Why the engine has to start anew, if it has.
        var fault: EngineFault? {
            failed.lazy.compactMap { $0.error.restart }.first
        }
    }

    func contains(_ id: String) -> Bool {
        runs.contains { $0.command.id == id }
    }

    func direct(_ directive: ScriptedRun.Directive) {
        runs.forEach { $0.direct(directive) }
    }

    func yield() {
        runs.forEach { $0.yield() }
    }

    func cancel(id: String) {
        runs.first { $0.command.id == id }?.end(.cancelled)
    }

    /// All of them end like this.
    func end(_ error: EngineError) {
        runs.forEach { $0.end(error) }
    }

    func tell(_ run: ScriptedRun, _ outcome: Result<EngineVideo, EngineError>) {
        ended(run.command.id, outcome)
    }

    /// Lets some of its generations compute until they are decoded.
    ///
    /// Whoever ends alone while others go on is told at once.
    func compute(_ runs: [ScriptedRun]) async -> Computed {
        await withTaskGroup(of: (Int, Result<Int, EngineError>).self) { group in
            for (index, run) in runs.enumerated() {
                group.addTask { (index, await run.compute()) }
            }
            var decoded: [Int: Int] = [:]
            var computed = Computed()
            var left = runs.count
            for await (index, outcome) in group {
                left -= 1
                switch outcome {
                case .success(let step): decoded[index] = step
                case .failure(let error) where error.endsPass:
                    computed.failed.append((runs[index], error))
                    end(error)
                case .failure(let error) where left > 0 || !decoded.isEmpty:
                    tell(runs[index], .failure(error))
                case .failure(let error): computed.failed.append((runs[index], error))
                }
            }
            for (index, step) in decoded.sorted(by: { $0.key < $1.key }) {
                if let error = runs[index].orderedEnd {
                    computed.failed.append((runs[index], error))
                } else {
                    computed.decoded.append(Decoded(run: runs[index], resumedStep: step))
                }
            }
            return computed
        }
    }
}

extension EngineError {
    /// Whether it ends every generation of a pass, and not one alone.
    fileprivate var endsPass: Bool {
        switch self {
        case .rejectedInput, .cancelled, .storage: false
        case .outOfMemory, .yielded, .loadFailed, .crashed, .stalled, .unavailable, .failed: true
        }
    }

    /// Why the engine has to start anew after it; `nil` if it need not.
    var restart: EngineFault? {
        switch self {
        case .crashed, .stalled:
            EngineFault(code: code, message: message)
        case .outOfMemory(let fault) where fault.hasLostMemory(beyond: 0.01):
            EngineFault(code: "engine_memory_lost", message: fault.message)
        default: nil
        }
    }

    /// Whether nothing of the process is left after it.
    var isCrash: Bool {
        switch self {
        case .crashed, .stalled: true
        default: false
        }
    }
}
