/// Decides what happens to an engine and its generation; events go in, actions come out, nothing is done here.
///
///     waiting ──started──▸ starting ──hello──▸ ready ◂──done, failed── busy
///        ▴                    │                  │ ──────generate─────▸ │
///        └───processEnded── ending ◂──refused, broken, hung, gone, shut down
struct EngineLifecycle: Sendable {
    typealias Instant = SuspendingClock.Instant

    let settings: EngineSettings
    var phase = Phase.waiting
    private var isStopping = false
    /// Why the last process ended; shown until the next one says hello.
    private var fault: EngineFault?
    var failures = 0
    private var readySince: Instant?
    /// By model, memory mode and inputs: one may be a hundred times slower than another.
    var stalls: [String: StallDeadline] = [:]
    private var deadline = 0

    init(settings: EngineSettings) {
        self.settings = settings
    }

    /// What the engine can do.
    var state: EngineState {
        guard !isStopping else { return .stopped }
        switch phase {
        case .waiting, .starting: return fault.map(EngineState.restarting) ?? .starting
        case .ready(let description): return .ready(description)
        case .busy(let description, _): return .busy(description)
        case .ending(let ending): return .restarting(ending.fault ?? Self.crash("The engine process ended."))
        case .stopped: return .stopped
        }
    }

    // MARK: The process

    /// Whether another process is to be started.
    mutating func mayStart() -> Bool {
        guard isStopping else { return true }
        phase = .stopped
        return false
    }

    /// A process is there.
    mutating func started() -> [Action] {
        guard !isStopping else {
            phase = .ending(Ending())
            return [.terminate, arm(settings.stopDeadline)]
        }
        phase = .starting
        return [arm(settings.startDeadline)]
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
        return [arm(Self.exitGrace)]
    }

    /// A deadline that was armed has passed.
    mutating func deadlinePassed(number: Int) -> [Action] {
        guard number == deadline else { return [] }
        switch phase {
        case .starting:
            let message = "The engine did not say hello within \(settings.startDeadline)."
            end(EngineFault(code: "engine_start_timeout", message: message))
        case .busy(_, let watch) where watch.isCancelled:
            let message = "The engine did not answer a cancel and was killed."
            end(EngineFault(code: "engine_stalled", message: message), outcome: .cancelled)
        case .busy(_, let watch) where watch.isYielding && !watch.isFinishing:
            let message = "The engine did not give up its generation in time and was killed."
            end(EngineFault(code: "engine_stalled", message: message), outcome: .yielded)
        case .busy(_, let watch):
            let stage = watch.stage?.rawValue ?? "start"
            let message = "The engine gave no sign of life in time (\(stage)) and was killed."
            end(EngineFault(code: "engine_stalled", message: message), outcome: .stalled(message: message))
        case .ending: break
        case .waiting, .ready, .stopped: return []
        }
        return [.kill]
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
        var actions = [Action.disarm]
        var ended = EngineFault(code: code, message: reason)
        var isBlameless = false
        if case .ending(let ending) = phase {
            isBlameless = ending.isBlameless
            if let watch = ending.watch {
                actions.append(.discard(output: watch.command.output))
                actions.append(.finish(.failure(ending.outcome ?? .crashed(message: reason))))
            }
            ended = ending.fault ?? ended
            if !ending.isExplained, !lastWords.isEmpty {
                ended.message += " The server's log has its last words."
                ended.log = lastWords
            }
        }
        guard !isStopping else {
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

    /// The engine is to end for good.
    mutating func shutDown() -> [Action] {
        guard !isStopping else { return [] }
        isStopping = true
        switch phase {
        case .waiting, .stopped: return []
        case .starting, .ready, .busy:
            end(outcome: .unavailable(EngineState.stopped.unreadiness))
        case .ending: break
        }
        return [.send(.shutdown), .terminate, arm(settings.stopDeadline)]
    }

    // MARK: What it says

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
        phase = .ready(description)
        fault = nil
        readySince = now
        return [.disarm]
    }

    // MARK: Ends

    var isEnding: Bool {
        if case .ending = phase { true } else { false }
    }

    /// The engine has broken the protocol.
    mutating func breach(_ reason: String) -> [Action] {
        if isEnding { return [] }
        let message = "The engine broke the protocol and was killed: \(reason)."
        end(EngineFault(code: "engine_protocol_broken", message: message), outcome: .crashed(message: message))
        return [.kill]
    }

    /// From here on nothing that the process says counts.
    ///
    /// Its generation ends when it is gone.
    mutating func end(
        _ fault: EngineFault? = nil,
        isExplained: Bool = false,
        isBlameless: Bool = false,
        outcome: EngineError? = nil
    ) {
        var ending = Ending(fault: fault, isExplained: isExplained, isBlameless: isBlameless)
        if case .busy(_, let watch) = phase {
            ending.watch = watch
            ending.outcome = watch.isCancelled ? .cancelled : outcome
        }
        phase = .ending(ending)
    }

    private static func crash(_ message: String) -> EngineFault {
        EngineFault(code: "engine_crashed", message: message)
    }

    /// Has a deadline take the place of the one before.
    mutating func arm(_ duration: Duration) -> Action {
        deadline += 1
        return .arm(after: duration, number: deadline)
    }
}
