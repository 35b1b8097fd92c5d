/// What is asked of the device.
extension EngineLifecycle {
    /// Somebody wants the videos of a pass.
    ///
    /// - Parameters:
    ///   - leader: the first.
    ///   - companions: the others.
    ///   - now: the time.
    /// - Returns: what to do.
    /// - Throws: why none of them is begun.
    mutating func generate(
        _ leader: GenerateCommand,
        companions: [GenerateCommand] = [],
        at now: Instant
    ) throws(EngineError) -> [Action] {
        guard case .up(var running) = phase, running.isReady else { throw .unavailable(state.unreadiness) }
        guard let model = running.description.model(named: leader.model) else {
            throw Self.invalid("The engine has no model of that name.")
        }
        let pass = [leader] + companions
        guard pass.count <= model.maxBatch, companions.allSatisfy({ $0.isCompanion(of: leader) }),
            companions.isEmpty || leader.inputs.isEmpty, Set(pass.map(\.id)).count == pass.count,
            pass.allSatisfy({ running.writing?.row($0.id) == nil })
        else { throw Self.invalid("These generations cannot be made together.") }
        passCount += 1
        let watch = PassWatch(number: passCount, leader, companions: companions, at: now)
        running.working = watch
        phase = .up(running)
        return [.send(.generate(leader, companions: companions)), awaitSign(of: watch, running)]
    }

    private static func invalid(_ message: String) -> EngineError {
        .rejectedInput(code: "invalid_request", message: message)
    }

    /// Nobody wants this video any more.
    mutating func cancel(id: String) -> [Action] {
        guard case .up(var running) = phase, var pass = running.pass(of: id), pass.row(id)?.isCancelled == false else {
            return []
        }
        pass.cancel(id: id)
        running.replace(pass)
        phase = .up(running)
        let order = Action.send(.cancel(id: id))
        // A load is finished first, and has a deadline that fits it.
        return pass.stage == .load ? [order] : [order, awaitEnd(.cancel(id: id), of: pass)]
    }

    /// Something else is to run first.
    mutating func yield(id: String) -> [Action] {
        guard case .up(var running) = phase, var pass = running.working, !pass.isYielding,
            pass.row(id)?.isCancelled == false
        else { return [] }
        pass.yield()
        running.working = pass
        phase = .up(running)
        let order = Action.send(.yield(id: id))
        return pass.stage == .load || pass.isFinishing
            ? [order] : [order, awaitEnd(.yield(pass: pass.number), of: pass)]
    }

    /// The model is to leave the device.
    mutating func park() -> [Action] {
        guard wish == .up, case .up(var running) = phase, running.isReady, !running.isParking else { return [] }
        running.isParking = true
        running.warmModel = nil
        phase = .up(running)
        return [.send(.park)]
    }

    // MARK: How long it may take

    /// Bounds the silence of a pass.
    ///
    /// What is decoded waits for the files of the pass before it, which are watched themselves.
    mutating func awaitSign(of pass: PassWatch, _ running: Running) -> Action {
        let awaited = Awaited.sign(pass: pass.number)
        if pass.stage == .decode, running.writing != nil {
            _ = disarm(awaited)
            return .disarm(awaited)
        }
        let bytes = running.description.model(named: pass.leader.model)?.weightBytes ?? 0
        let stall = stalls[of: pass.leader, settings]
        return arm(awaited, stall.allowance(in: pass.stage, size: pass.size, weightBytes: bytes))
    }

    /// Bounds the time until something stops, which takes one step.
    ///
    /// Where steps are known to be longer than the deadline, they may end.
    mutating func awaitEnd(_ awaited: Awaited, of pass: PassWatch) -> Action {
        let stall = stalls[of: pass.leader, settings]
        let step = stall.slowestSeen(in: pass.stage, size: pass.size) ?? .zero
        return arm(awaited, max(settings.cancelDeadline, step * 2))
    }
}

extension [String: StallDeadline] {
    /// What is known of the pace of a command's model, in its memory mode and with what it starts from.
    ///
    /// Bounded: only models that the engine has are asked for.
    subscript(of command: GenerateCommand, settings: EngineSettings) -> StallDeadline {
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
