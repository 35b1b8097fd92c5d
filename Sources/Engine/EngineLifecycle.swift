/// Decides what happens to an engine and its generations; events go in, actions come out, nothing is done here.
///
///     waiting ──started──▸ starting ──hello──▸ up (a pass on the device, another being written, or neither)
///        ▴                    │                 │
///        └───processEnded── ending ◂──refused, broken, hung, gone, replaced, put to sleep, shut down
struct EngineLifecycle: Sendable {
    typealias Instant = SuspendingClock.Instant

    let settings: EngineSettings
    var phase = Phase.waiting
    var wish = Wish.up
    /// What the engine last said of itself.
    private(set) var lastDescription: EngineDescription?
    /// Why the last process ended; shown until the next one says hello.
    private var fault: EngineFault?
    var failures = 0
    private var readySince: Instant?
    /// By model, memory mode and inputs: one may be a hundred times slower than another.
    var stalls: [String: StallDeadline] = [:]
    /// How many passes there were.
    var passCount = 0
    private var armed: [Awaited: Int] = [:]
    private var armCount = 0

    init(settings: EngineSettings) {
        self.settings = settings
    }

    /// What the engine can do.
    var state: EngineState {
        switch wish {
        case .stopped: return .stopped
        case .asleep: return .asleep(lastDescription)
        case .up: break
        }
        switch phase {
        case .waiting, .starting: return fault.map(EngineState.restarting) ?? .starting
        case .up(let running):
            guard running.working == nil else { return .busy(running.description) }
            return running.replacement.map { .restarting($0.fault) } ?? .ready(running.description)
        case .ending(let ending):
            if let fault = ending.fault { return .restarting(fault) }
            return ending.isBlameless ? .starting : .restarting(Self.crash("The engine process ended."))
        case .stopped: return .stopped
        }
    }

    /// The model of the last pass, while it is on the device.
    var warmModel: String? {
        if case .up(let running) = phase { running.warmModel } else { nil }
    }

    // MARK: The process

    /// There is no process; whether there is to be one.
    mutating func turn() -> Turn {
        switch wish {
        case .up: return .start
        case .asleep: return .wait
        case .stopped:
            phase = .stopped
            return .end
        }
    }

    /// A process is there.
    mutating func started() -> [Action] {
        guard wish == .up else {
            phase = .ending(Ending(isBlameless: true))
            return [.terminate, arm(.process, settings.stopDeadline)]
        }
        phase = .starting
        return [arm(.process, settings.startDeadline)]
    }

    /// The process has introduced itself.
    mutating func greeted(_ hello: EngineMessage.Hello, at now: Instant) -> [Action] {
        guard hello.protocol == Self.protocolVersion else {
            return breach("it speaks version \(hello.protocol) of the protocol, not \(Self.protocolVersion)")
        }
        let description = EngineDescription(
            engineVersion: hello.engineVersion,
            memoryBytes: hello.memoryBytes,
            models: hello.models,
            loras: hello.loras
        )
        guard description.isSound else { return breach("its description contradicts itself") }
        phase = .up(Running(description))
        lastDescription = description
        fault = nil
        readySince = now
        return disarm(.process)
    }

    /// The engine has closed the channel or said something that is none of the protocol.
    ///
    /// - Parameter frameFault: what it broke; `nil` if it only closed.
    /// - Returns: what to do.
    mutating func channelEnded(_ frameFault: FrameFault?) -> [Action] {
        if let frameFault {
            return breach(frameFault.message)
        }
        if isEnding { return [] }
        end()
        return [arm(.process, Self.exitGrace)]
    }

    /// The process and its group are gone, or there never was one.
    ///
    /// - Parameters:
    ///   - reason: how it ended, for people.
    ///   - code: of the fault, if nothing that happened before says it better.
    ///   - lastWords: the end of its log.
    ///   - now: the time.
    /// - Returns: what to do, and the pause before the next start; `nil` if there is none.
    mutating func processEnded(
        _ reason: String,
        code: String = "engine_crashed",
        lastWords: [String] = [],
        at now: Instant
    ) -> (actions: [Action], pause: Duration?) {
        if !isEnding { end() }
        var actions = armed.keys.map(Action.disarm)
        armed = [:]
        var ended: EngineFault? = EngineFault(code: code, message: reason)
        var isBlameless = false
        if case .ending(let ending) = phase {
            isBlameless = ending.isBlameless
            for orphan in ending.orphans {
                let command = orphan.row.command
                actions.append(.discard(output: command.output))
                actions.append(.finish(id: command.id, .failure(orphan.outcome ?? .crashed(message: reason))))
            }
            ended = isBlameless ? ending.fault : ending.fault ?? ended
            if !ending.isExplained, !lastWords.isEmpty {
                ended?.message += " The server's log has its last words."
                ended?.log = lastWords
            }
        }
        guard wish != .stopped else {
            phase = .stopped
            return (actions, nil)
        }
        phase = .waiting
        fault = ended
        if let readySince, now - readySince >= settings.backOff.healthyPeriod {
            failures = 0
        }
        readySince = nil
        guard !isBlameless else { return (actions, .zero) }
        failures += 1
        return (actions, settings.backOff.pause(afterFailures: failures))
    }

    // MARK: Ends

    var isEnding: Bool {
        if case .ending = phase { true } else { false }
    }

    /// The engine has broken the protocol.
    mutating func breach(_ reason: String) -> [Action] {
        if isEnding { return [] }
        let message = "The engine broke the protocol and was killed: \(reason)."
        end(EngineFault(code: "engine_protocol_broken", message: message)) { _ in .crashed(message: message) }
        return [.kill]
    }

    /// From here on nothing that the process says counts, but for the videos that a polite end lets it finish.
    ///
    /// - Parameters:
    ///   - fault: why; the end of the process says it where none is given.
    ///   - ending: what else is known of this end.
    ///   - outcome: what it is to the generations of a pass that were not cancelled, which end when it is gone.
    mutating func end(
        _ fault: EngineFault? = nil,
        as ending: Ending = Ending(),
        outcome: (PassWatch) -> EngineError? = { _ in nil }
    ) {
        var ending = ending
        ending.fault = fault
        if case .up(let running) = phase {
            // In the order in which they would have ended.
            for pass in running.passes.reversed() {
                ending.orphans += pass.rows.map { row in
                    Orphan(row: row, outcome: row.isCancelled ? .cancelled : outcome(pass))
                }
            }
        }
        phase = .ending(ending)
    }

    private static func crash(_ message: String) -> EngineFault {
        EngineFault(code: "engine_crashed", message: message)
    }

    // MARK: Deadlines

    /// Bounds the waiting for something, in place of the bound before.
    mutating func arm(_ awaited: Awaited, _ duration: Duration) -> Action {
        armCount += 1
        armed[awaited] = armCount
        return .arm(Deadline(awaited: awaited, number: armCount), after: duration)
    }

    /// Nothing is awaited any more.
    mutating func disarm(_ awaited: Awaited) -> [Action] {
        armed.removeValue(forKey: awaited) == nil ? [] : [.disarm(awaited)]
    }

    /// Whether a deadline that has passed still counts; it counts once.
    mutating func takesEffect(_ deadline: Deadline) -> Bool {
        guard armed[deadline.awaited] == deadline.number else { return false }
        armed[deadline.awaited] = nil
        return true
    }
}
