/// The generation that an engine works on.
extension EngineLifecycle {
    /// Somebody wants a video.
    mutating func generate(_ command: GenerateCommand, at now: Instant) throws(EngineError) -> [Action] {
        guard case .ready(let description) = phase else {
            throw .unavailable(state.unreadiness)
        }
        guard description.model(named: command.model) != nil else {
            throw .rejectedInput(code: "invalid_request", message: "The engine has no model of that name.")
        }
        let watch = GenerationWatch(command: command, at: now)
        phase = .busy(description, watch)
        return [.send(.generate(command)), armStall(watch, description)]
    }

    /// Nobody wants this video any more.
    mutating func cancel(id: String) -> [Action] {
        guard case .busy(let description, var watch) = phase, watch.command.id == id, !watch.isCancelled else {
            return []
        }
        watch.cancel()
        phase = .busy(description, watch)
        let order = Action.send(.cancel(id: id))
        // A load is finished first, and has a deadline that fits it.
        return watch.stage == .load ? [order] : [order, armCancel(watch)]
    }

    /// Something else is to run first.
    mutating func yield(id: String) -> [Action] {
        guard case .busy(let description, var watch) = phase, watch.command.id == id, !watch.isCancelled,
            !watch.isYielding
        else { return [] }
        watch.yield()
        phase = .busy(description, watch)
        let order = Action.send(.yield(id: id))
        return watch.stage == .load || watch.isFinishing ? [order] : [order, armCancel(watch)]
    }

    /// The engine says something.
    mutating func received(_ message: EngineMessage, at now: Instant) -> [Action] {
        switch (phase, message) {
        case (.starting, .hello(let hello)):
            return greeted(hello, at: now)
        case (.starting, .refused(let refused)):
            end(EngineFault(code: refused.code, message: refused.message), isExplained: true)
            return [arm(Self.exitGrace)]
        case (.busy(let description, let watch), let message):
            return working(message, description, watch, at: now)
        case (.ending(var ending), .done(let done)) where state == .stopped:
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

    private mutating func working(
        _ message: EngineMessage,
        _ description: EngineDescription,
        _ current: GenerationWatch,
        at now: Instant
    ) -> [Action] {
        var watch = current
        var actions: [Action] = []
        do throws(GenerationWatch.Contradiction) {
            switch message {
            case .done(let done):
                return finished(with: try watch.video(done), description, watch, at: now)
            case .failed(let failed) where failed.id == watch.command.id:
                phase = .ready(description)
                return self.failed(failed, watch)
            case .failed, .hello, .refused:
                return breach("a message arrived that has no place here: \(message.name)")
            case .loading, .loaded, .resumed, .checkpointed, .preview, .progress:
                if let report = try heard(message, &watch, at: now) { actions = [.report(report)] }
            }
        } catch {
            return breach(error.reason)
        }
        phase = .busy(description, watch)
        // The end of a generation that is to stop has a deadline of its own, which no step moves.
        let isStopping = watch.isCancelled || (watch.isYielding && !watch.isFinishing)
        guard isStopping, watch.stage != .load else { return actions + [armStall(watch, description)] }
        return message.isLoaded ? actions + [armCancel(watch)] : actions
    }

    /// A sign of life.
    ///
    /// - Returns: what whoever waits is told of it.
    private mutating func heard(
        _ message: EngineMessage,
        _ watch: inout GenerationWatch,
        at now: Instant
    ) throws(GenerationWatch.Contradiction) -> EngineReport? {
        switch message {
        case .loading: return .progress(try watch.loading(at: now))
        case .loaded:
            try watch.loaded(at: now)
            return nil
        case .resumed(let resumed): return try watch.resumed(resumed, at: now)
        case .checkpointed(let saved):
            let (step, bytes) = try keep(saved, watch.command.checkpoint, &watch, at: now)
            return .checkpointed(step: step, bytes: bytes)
        case .preview(let saved):
            let (step, bytes) = try keep(saved, watch.command.preview, &watch, at: now)
            return .preview(step: step, bytes: bytes)
        case .progress(let progress):
            return .progress(try watch.advance(progress, learning: &stalls[of: watch.command, settings], at: now))
        case .hello, .refused, .done, .failed: return nil
        }
    }

    private mutating func keep(
        _ saved: EngineMessage.Saved,
        _ order: GenerateCommand.Periodic?,
        _ watch: inout GenerationWatch,
        at now: Instant
    ) throws(GenerationWatch.Contradiction) -> (step: Int, bytes: Int64) {
        try watch.saved(saved, isAskedFor: order != nil, learning: &stalls[of: watch.command, settings], at: now)
    }

    private mutating func finished(
        with video: EngineVideo,
        _ description: EngineDescription,
        _ watch: GenerationWatch,
        at now: Instant
    ) -> [Action] {
        watch.finish(learning: &stalls[of: watch.command, settings], at: now)
        failures = 0
        phase = .ready(description)
        return watch.isCancelled
            ? [.disarm, .discard(output: video.file), .finish(.failure(.cancelled))]
            : [.disarm, .finish(.success(video))]
    }

    private mutating func failed(_ failed: EngineMessage.Failed, _ watch: GenerationWatch) -> [Action] {
        let error = EngineError(failed)
        let finish = Action.finish(.failure(watch.isCancelled ? .cancelled : error))
        if failed.kind == .loadFailed {
            // Only a new process sees other files and other packages, and its pauses keep the next attempts apart.
            end(EngineFault(code: failed.code, message: failed.message), isExplained: true)
            return [finish, .terminate, arm(settings.stopDeadline)]
        }
        if failed.kind == .yielded, !watch.isYielding, !watch.isCancelled {
            // Somebody else told the process to end, and it is about to.
            end(EngineFault(code: "engine_crashed", message: "The engine was told to end by someone else."))
            return [finish, arm(settings.stopDeadline)]
        }
        if case .outOfMemory(let fault) = error, fault.hasLostMemory(beyond: settings.memoryTolerance) {
            let message = "Memory did not come back after there was too little of it; the engine is replaced."
            end(EngineFault(code: "engine_memory_lost", message: message), isExplained: true, isBlameless: true)
            return [finish, .terminate, arm(settings.stopDeadline)]
        }
        return [.disarm, finish]
    }

    private mutating func armStall(_ watch: GenerationWatch, _ description: EngineDescription) -> Action {
        let bytes = description.model(named: watch.command.model)?.weightBytes ?? 0
        let stall = stalls[of: watch.command, settings]
        return arm(stall.allowance(in: watch.stage, size: watch.size, weightBytes: bytes))
    }

    /// It stops within one step.
    ///
    /// Where steps are known to be longer than the deadline, they may end.
    private mutating func armCancel(_ watch: GenerationWatch) -> Action {
        let stall = stalls[of: watch.command, settings]
        let step = stall.slowestSeen(in: watch.stage, size: watch.size) ?? .zero
        return arm(max(settings.cancelDeadline, step * 2))
    }
}

extension [String: StallDeadline] {
    /// What is known of the pace of a command's model, in its memory mode and with what it starts from.
    ///
    /// Bounded: only models that the engine has are asked for.
    fileprivate subscript(of command: GenerateCommand, settings: EngineSettings) -> StallDeadline {
        get {
            self[Self.key(command)] ?? StallDeadline(limits: settings.stall, isCompiling: settings.compile != nil)
        }
        set { self[Self.key(command)] = newValue }
    }

    private static func key(_ command: GenerateCommand) -> String {
        let inputs = command.inputs.keys.map(\.rawValue).sorted().joined(separator: "+")
        return "\(command.memoryMode.rawValue) \(inputs) \(command.model)"
    }
}
