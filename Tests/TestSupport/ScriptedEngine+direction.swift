package import Engine
import Synchronization

/// What a test does to a scripted engine.
extension ScriptedEngine {
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
        crash(.crashed(message: fault.message))
    }

    /// Brings the engine up.
    package func becomeReady() {
        board.publish(.ready(description))
    }

    /// Shuts the engine down for good; what is being written is finished.
    package func stop() {
        board.publish(.stopped)
        script.withLock { $0.working?.end(.unavailable(EngineState.stopped.unreadiness)) }
    }

    private func direct(_ directive: ScriptedRun.Directive) {
        script.withLock { script in
            if let working = script.working {
                working.direct(directive)
            } else {
                script.early.append(directive)
            }
        }
    }
}
