/// Decides what happens to an engine and its generation; events go in, actions come out, nothing is done here.
///
///     waiting ──started──▸ starting ──hello──▸ ready ◂──done, failed── busy
///        ▴                    │                  │ ──────generate─────▸ │
///        └───processEnded── ending ◂──refused, broken, hung, gone, shut down
struct EngineLifecycle: Sendable {
    typealias Instant = SuspendingClock.Instant

    private let settings: EngineSettings
    private var phase = Phase.waiting
    private var isStopping = false
    /// Why the last process ended; shown until the next one says hello.
    private var fault: EngineFault?
    private var failures = 0
    private var readySince: Instant?
    private var stall: StallDeadline
    private var deadline = 0

    init(settings: EngineSettings) {
        self.settings = settings
        stall = StallDeadline(limits: settings.stall)
    }

    /// What the engine can do.
    var state: EngineState {
        guard !isStopping else { return .stopped }
        switch phase {
        case .waiting, .starting: return fault.map(EngineState.restarting) ?? .starting
        case .ready(let model): return .ready(model)
        case .busy(let model, _): return .busy(model)
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
        if case .ending(let ending) = phase {
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

    // MARK: The generation

    /// Somebody wants a video.
    mutating func generate(_ command: GenerateCommand, at now: Instant) throws(EngineError) -> [Action] {
        guard case .ready(let model) = phase else {
            throw .unavailable(state.unreadiness)
        }
        let watch = GenerationWatch(command: command, at: now)
        phase = .busy(model, watch)
        return [.send(.generate(command)), armStall(watch, model)]
    }

    /// Nobody wants this video any more.
    mutating func cancel(id: String) -> [Action] {
        guard case .busy(let model, var watch) = phase, watch.command.id == id, !watch.isCancelled else { return [] }
        watch.cancel()
        phase = .busy(model, watch)
        let order = Action.send(.cancel(id: id))
        // A load is finished first, and has a deadline that fits it.
        return watch.stage == .load ? [order] : [order, armCancel(watch)]
    }

    /// The engine says something.
    mutating func received(_ message: EngineMessage, at now: Instant) -> [Action] {
        switch (phase, message) {
        case (.starting, .hello(let hello)):
            return greeted(hello, at: now)
        case (.starting, .refused(let refused)):
            end(EngineFault(code: refused.code, message: refused.message), isExplained: true)
            return [arm(Self.exitGrace)]
        case (.busy(let model, let watch), let message):
            return working(message, model, watch, at: now)
        case (.ending(var ending), .done(let done)) where isStopping:
            // It was quicker than the shutdown. The video is good.
            guard let watch = ending.watch, !watch.isCancelled, let video = try? watch.video(done) else { return [] }
            ending.watch = nil
            phase = .ending(ending)
            return [.finish(.success(video))]
        case (.ending, _):
            return []
        default:
            return breach("a message arrived that has no place here: \(message.name)")
        }
    }

    private mutating func greeted(_ hello: EngineMessage.Hello, at now: Instant) -> [Action] {
        guard hello.protocol == Self.protocolVersion else {
            return breach("it speaks version \(hello.protocol) of the protocol, not \(Self.protocolVersion)")
        }
        guard hello.model.isSound else { return breach("the description of its model contradicts itself") }
        var model = hello.model
        model.engineVersion = hello.engineVersion
        phase = .ready(model)
        fault = nil
        readySince = now
        return [.disarm]
    }

    private mutating func working(
        _ message: EngineMessage,
        _ model: EngineModel,
        _ current: GenerationWatch,
        at now: Instant
    ) -> [Action] {
        var watch = current
        var actions: [Action] = []
        do throws(GenerationWatch.Contradiction) {
            switch message {
            case .loading:
                actions = [.report(try watch.loading(at: now))]
            case .loaded:
                try watch.loaded(at: now)
            case .progress(let progress):
                actions = [.report(try watch.advance(progress, learning: &stall, at: now))]
            case .done(let done):
                let video = try watch.video(done)
                watch.finish(learning: &stall, at: now)
                failures = 0
                phase = .ready(model)
                return watch.isCancelled
                    ? [.disarm, .discard(output: video.file), .finish(.failure(.cancelled))]
                    : [.disarm, .finish(.success(video))]
            case .failed(let failed) where failed.id == watch.command.id:
                phase = .ready(model)
                return self.failed(failed, asCancelled: watch.isCancelled)
            case .failed, .hello, .refused:
                return breach("a message arrived that has no place here: \(message.name)")
            }
        } catch {
            return breach(error.reason)
        }
        phase = .busy(model, watch)
        // A cancel has a deadline of its own, which no step moves.
        guard watch.isCancelled, watch.stage != .load else { return actions + [armStall(watch, model)] }
        return message.isLoaded ? actions + [armCancel(watch)] : actions
    }

    private mutating func failed(_ failed: EngineMessage.Failed, asCancelled: Bool) -> [Action] {
        let finish = Action.finish(.failure(asCancelled ? .cancelled : EngineError(failed)))
        guard failed.kind == .loadFailed else { return [.disarm, finish] }
        // Only a new process sees other files and other packages, and its pauses keep the next attempts apart.
        end(EngineFault(code: failed.code, message: failed.message), isExplained: true)
        return [finish, .terminate, arm(settings.stopDeadline)]
    }

    // MARK: Ends

    private var isEnding: Bool {
        if case .ending = phase { true } else { false }
    }

    private mutating func breach(_ reason: String) -> [Action] {
        if isEnding { return [] }
        let message = "The engine broke the protocol and was killed: \(reason)."
        end(EngineFault(code: "engine_protocol_broken", message: message), outcome: .crashed(message: message))
        return [.kill]
    }

    /// From here on nothing that the process says counts.
    ///
    /// Its generation ends when it is gone.
    private mutating func end(_ fault: EngineFault? = nil, isExplained: Bool = false, outcome: EngineError? = nil) {
        var ending = Ending(fault: fault, isExplained: isExplained)
        if case .busy(_, let watch) = phase {
            ending.watch = watch
            ending.outcome = watch.isCancelled ? .cancelled : outcome
        }
        phase = .ending(ending)
    }

    private static func crash(_ message: String) -> EngineFault {
        EngineFault(code: "engine_crashed", message: message)
    }

    private mutating func armStall(_ watch: GenerationWatch, _ model: EngineModel) -> Action {
        arm(stall.allowance(in: watch.stage, size: watch.size, weightBytes: model.weightBytes))
    }

    /// It stops within one step.
    ///
    /// Where steps are known to be longer than the deadline, they may end.
    private mutating func armCancel(_ watch: GenerationWatch) -> Action {
        let step = stall.slowestSeen(in: watch.stage, size: watch.size) ?? .zero
        return arm(max(settings.cancelDeadline, step * 2))
    }

    private mutating func arm(_ duration: Duration) -> Action {
        deadline += 1
        return .arm(after: duration, number: deadline)
    }
}
