/// Sleep, shutdown, and what was waited for in vain.
extension EngineLifecycle {
    /// The engine is to end for good.
    mutating func shutDown() -> [Action] {
        guard wish != .stopped else { return [] }
        wish = .stopped
        switch phase {
        case .waiting, .stopped: return []
        case .starting, .up:
            end(as: Ending(isPolite: true)) { _ in .unavailable(EngineState.stopped.unreadiness) }
        case .ending: break
        }
        return askToEnd()
    }

    /// The process is to end until it is wanted again; not while anything would be lost.
    mutating func sleep() -> [Action] {
        guard wish == .up else { return [] }
        switch phase {
        case .up(let running) where !running.passes.isEmpty: return []
        case .waiting, .ending, .stopped:
            wish = .asleep
            return []
        case .starting, .up:
            wish = .asleep
            end(as: Ending(isBlameless: true, isPolite: true))
            return askToEnd()
        }
    }

    /// The process is wanted again.
    mutating func wake() -> [Action] {
        if wish == .asleep { wish = .up }
        return []
    }

    private mutating func askToEnd() -> [Action] {
        [.send(.shutdown), .terminate, arm(.process, settings.stopDeadline)]
    }

    /// Ends a process that must make way for another, once nothing is lost by it.
    ///
    /// - Returns: what to do; nothing if the process stays.
    mutating func replaceIfDue() -> [Action] {
        guard case .up(let running) = phase, let replacement = running.replacement, running.working == nil else {
            return []
        }
        let ending = Ending(
            isExplained: !replacement.isLeaving,
            isBlameless: replacement.isBlameless,
            isPolite: true
        )
        if replacement.isLeaving {
            // It finishes what it writes; nothing else is its generations' fault.
            end(replacement.fault, as: ending) { _ in .yielded }
            return [arm(.process, settings.stopDeadline)]
        }
        guard running.writing == nil else { return [] }
        end(replacement.fault, as: ending)
        return [.terminate, arm(.process, settings.stopDeadline)]
    }

    /// A deadline that was armed has passed.
    mutating func deadlinePassed(_ deadline: Deadline) -> [Action] {
        guard takesEffect(deadline) else { return [] }
        switch (phase, deadline.awaited) {
        case (.starting, .process):
            let message = "The engine did not say hello within \(settings.startDeadline)."
            end(EngineFault(code: "engine_start_timeout", message: message))
        case (.ending, .process): break
        case (.up(let running), .sign(let number)):
            guard let pass = running.passes.first(where: { $0.number == number }) else { return [] }
            let stage = pass.stage?.rawValue ?? "start"
            let message = "The engine gave no sign of life in time (\(stage)) and was killed."
            endStalled(message, by: number, outcome: pass.isGivingUp ? .yielded : .stalled(message: message))
        case (.up(let running), .cancel(let id)):
            guard running.passes.contains(where: { $0.row(id) != nil }) else { return [] }
            endStalled("The engine did not answer a cancel and was killed.")
        case (.up(let running), .yield(let number)):
            guard running.working?.number == number, running.working?.isGivingUp == true else { return [] }
            let message = "The engine did not give up its generation in time and was killed."
            endStalled(message, by: number, outcome: .yielded)
        case (.waiting, _), (.stopped, _), (.starting, _), (.up, .process), (.ending, _): return []
        }
        return [.kill]
    }

    /// It is killed for its silence; whoever else is at work on it is not to blame.
    ///
    /// - Parameters:
    ///   - message: for people.
    ///   - number: the pass that it comes from, if it does not come from a cancel.
    ///   - outcome: what it is to the generations of that pass.
    private mutating func endStalled(_ message: String, by number: Int? = nil, outcome: EngineError? = nil) {
        let fault = EngineFault(code: "engine_stalled", message: message)
        end(fault) { $0.number == number ? outcome : .unavailable(fault) }
    }
}
